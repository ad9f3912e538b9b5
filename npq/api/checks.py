"""`manage.py check --deploy`: the documents that providers read can be generated."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from npq.api.schema import DOCUMENTS, openapi


@register(deploy=True)
def documents_can_be_generated(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """One error per OpenAPI document that cannot be generated.

    It stands in for the check of the generator's own package, which puts all versions into one document.
    """
    found: list[CheckMessage] = []
    for name in DOCUMENTS:
        try:
            openapi(name)
        except Exception as problem:  # noqa: BLE001  whatever it is, it is what the check has to report
            found.append(Error(f"the OpenAPI document {name} cannot be generated: {problem}", id="npq.E001"))
    return found
