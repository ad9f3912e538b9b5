"""`manage.py check --deploy` generates every OpenAPI document, and says so when one cannot be."""

from typing import Any

import pytest
from django.core.checks import run_checks

from npq.api import checks


def problems() -> list[tuple[str | None, str]]:
    """(id, sentence) of every error of the checks for deployment, warnings aside."""
    return [(found.id, found.msg) for found in run_checks(include_deployment_checks=True) if found.is_serious()]


def test_a_deployment_passes() -> None:
    assert problems() == []


def test_a_document_that_cannot_be_generated_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        if name == "v2":
            raise ValueError("two different schemas are named Participant")

    monkeypatch.setattr(checks, "openapi", broken)

    assert problems() == [
        ("npq.E001", "the OpenAPI document v2 cannot be generated: two different schemas are named Participant")
    ]
