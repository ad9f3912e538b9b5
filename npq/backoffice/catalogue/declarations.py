"""Corrections of declarations (backoffice.md §2.3)."""

from typing import Any

from declarations.choices import DeclarationState
from declarations.models import Declaration
from declarations.services import void_declaration
from npq.backoffice.corrections import Answers, Correction
from npq.core import clock
from npq.core.audit import Actor

DECLARATION = "declarations.declaration"


def _void(record: Declaration, answers: Answers, by: Actor) -> Any:
    return void_declaration(declaration_id=record.id, held_by=None, by=by, now=clock.now())


DECLARATIONS: tuple[Correction, ...] = (
    Correction(
        "void_declaration",
        "Void declaration",
        DECLARATION,
        "finance",
        _void,
        "What has not been paid leaves its statement; what has been paid is taken back on the next one.",
        offered=lambda it: it.state not in {DeclarationState.VOIDED, DeclarationState.CLAWED_BACK},
    ),
)
