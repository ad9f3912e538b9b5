"""The world in which contract tests ask."""

from typing import Any

import pytest

from tests.contract.world import World, build


@pytest.fixture
def world(db: Any) -> World:
    """The small world with fixed ids."""
    return build()
