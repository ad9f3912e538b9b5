"""Storing many rows at once: every value comes out as it went in."""

import uuid
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError

from applications.models import Application
from npq.core.bulk import insert_rows
from npq.core.models import Change
from participants.models import Participant
from tests.factories import ApplicationFactory, ParticipantFactory

pytestmark = pytest.mark.django_db


def test_every_value_comes_out_as_it_went_in() -> None:
    made = ApplicationFactory.build(
        participant=ParticipantFactory(),
        course=ApplicationFactory().course,
        cohort=ApplicationFactory().cohort,
        lead_provider=ApplicationFactory().lead_provider,
        employer_name='Northbeck "Council" \\ é😀\n\u2028 %s {x}',
        senco_start_date=date(2025, 9, 1),
        created_at=datetime(2024, 7, 6, 9, 47, 24, 123456, tzinfo=UTC),
        submission={"a": [1, None, {"b": "é"}]},
        lead_mentor=None,
    )

    insert_rows([made])

    stored = Application.objects.get(public_id=made.public_id)
    for field in Application._meta.concrete_fields:
        if not field.primary_key:
            assert getattr(stored, field.attname) == getattr(made, field.attname), field.name


@pytest.mark.parametrize("names", [[], ["Priya Reed"], ["a,b", 'c"d', "{e}", "NULL", " "]])
def test_arrays(names: list[str]) -> None:
    insert_rows([ParticipantFactory.build(previous_names=names)])

    assert Participant.objects.get().previous_names == names


def test_nothing_to_store() -> None:
    insert_rows([])

    assert not Participant.objects.exists()


def test_what_is_stored_already() -> None:
    known = ParticipantFactory(full_name="Priya Okafor")
    rows = [ParticipantFactory.build(public_id=known.public_id), ParticipantFactory.build(public_id=uuid.uuid4())]

    insert_rows(rows, skip_known=True)

    assert Participant.objects.count() == 2
    assert Participant.objects.get(public_id=known.public_id).full_name == "Priya Okafor"
    with pytest.raises(IntegrityError):
        insert_rows(rows[:1])


def test_the_trail_names_every_row() -> None:
    rows = [ParticipantFactory.build() for _ in range(3)]

    insert_rows(rows)

    named = Change.objects.filter(table="participants_participant").values_list("record_public_id", flat=True)
    assert set(named) == {row.public_id for row in rows}
