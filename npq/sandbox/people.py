"""Invented people and their answers, always the same for the same seed.

Names are made up, addresses are under example.org, TRNs start at 9000000 (nobody has such a one).
"""

import random
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

FIRST_TRN = 9_000_000
TRNS = 1_000_000
NAMESPACE = uuid.UUID("6f0b2a52-97a5-4a6e-8f0a-5f6f4a1f7c10")

FIRST_NAMES = (
    *("Aisha", "Alun", "Amara", "Bronwen", "Callum", "Chidi", "Daniela", "Declan", "Eilidh", "Esme", "Farah"),
    *("Gareth", "Grace", "Hamza", "Hannah", "Imogen", "Jakub", "Jasmine", "Kofi", "Leila", "Malik", "Maeve"),
    *("Niamh", "Nikhil", "Olamide", "Oscar", "Priya", "Rhys", "Rosa", "Saoirse", "Sophie", "Tariq", "Thu", "Yusuf"),
)
LAST_NAMES = (
    *("Abara", "Ashworth", "Bennett", "Brannigan", "Castellanos", "Chowdhury", "Davies", "Ekwueme", "Fairclough"),
    *("Goldberg", "Hargreaves", "Hussain", "Ibrahim", "Jankowska", "Kaur", "Lindqvist", "MacAulay", "Mensah"),
    *("Nguyen", "O'Connell", "Okafor", "Patel", "Pritchard", "Quaye", "Rahman", "Sandhu", "Tanaka", "Umar", "Vaughan"),
    *("Whitfield", "Xu", "Yeboah", "Zielinski"),
)
UK = ("United Kingdom of Great Britain and Northern Ireland", "GBR")
CATCHMENTS = {
    "england": UK,
    "scotland": UK,
    "wales": UK,
    "northern_ireland": UK,
    "jersey_guernsey_isle_of_man": ("Jersey", "JEY"),
    "another": ("France", "FRA"),
}
SETTINGS = ("school", "early_years", "lead_mentor", "another")
OTHER_EMPLOYERS = {
    "hospital_school": ("Westmere Hospital School", "Teacher"),
    "local_authority_supply_teacher": ("Northbeck Council", "Supply teacher"),
    "local_authority_virtual_school": ("Northbeck Virtual School", "Lead teacher"),
    "young_offender_institution": ("Highmoor House", "Education lead"),
    "other": ("Brightwell Education Trust", "Adviser"),
}


@dataclass(frozen=True)
class Person:
    """Somebody who applies. `trn` is None for people without one."""

    id: uuid.UUID
    name: str
    email: str
    born: date
    trn: str | None
    verified: bool


def identifier(*parts: object) -> uuid.UUID:
    """The same UUID for the same parts, on every machine."""
    return uuid.uuid5(NAMESPACE, "/".join(str(part) for part in parts))


def person(number: int, *, seed: int, key: str, verified: bool = True, with_trn: bool = True) -> Person:
    """The person with a number among those of a seed; `key` tells people apart, `number` gives them their TRN."""
    chance = random.Random(f"{seed}/{key}")  # noqa: S311  demo data
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    trn = FIRST_TRN + (seed * 10_007 + number) % TRNS
    address = f"{first}.{last}.{seed}-{number}@example.org".lower().replace("'", "")
    return Person(
        id=identifier(seed, "person", key),
        name=f"{first} {last}",
        email=address,
        born=date(1965, 1, 1) + timedelta(days=chance.randrange(11_000)),
        trn=f"{trn:07d}" if with_trn else None,
        verified=verified and with_trn,
    )


def answers_about(person: Person) -> dict[str, Any]:
    """What the registration service says of a person."""
    return {
        "participant_id": str(person.id),
        "full_name": person.name,
        "email": person.email,
        "email_validated": True,
        "date_of_birth": person.born.isoformat(),
        "teacher_reference_number": person.trn,
        "teacher_reference_number_validated": person.verified,
    }


def answers_about_work(setting: str, chance: random.Random, *, employment_type: str = "other") -> dict[str, Any]:
    """What somebody says of where they work; `setting` is one of SETTINGS."""
    urn = str(chance.randrange(100_000, 150_000))
    if setting == "school":
        headteacher = chance.choice(["no", "no", "no", "yes_when_course_starts", "yes_in_first_five_years"])
        return {
            "works_in_school": True,
            "school_urn": urn,
            "school_ukprn": f"100{urn[:5]}",
            "headteacher_status": headteacher,
        }
    if setting == "early_years":
        return {
            "works_in_school": False,
            "private_childcare_provider_urn": f"EY{urn}",
            "employer_name": "Little Acorns Nursery",
            "employment_role": "Room leader",
        }
    if setting == "lead_mentor":
        return {
            "works_in_school": False,
            "employment_type": "lead_mentor_for_accredited_itt_provider",
            "lead_mentor": True,
            "itt_provider": "Northbeck Teacher Training",
            "employer_name": "Northbeck Teacher Training",
            "employment_role": "Lead mentor",
        }
    employer, role = OTHER_EMPLOYERS[employment_type]
    return {
        "works_in_school": False,
        "employment_type": employment_type,
        "employer_name": employer,
        "employment_role": role,
    }


def answers_about_place(catchment: str) -> dict[str, Any]:
    """What somebody says of the country they work in; `catchment` is one of CATCHMENTS."""
    country, code = CATCHMENTS[catchment]
    return {
        "teacher_catchment": catchment,
        "teacher_catchment_country": country,
        "teacher_catchment_iso_country_code": code,
    }


def answers_about_money(*, eligible: bool, catchment: str) -> dict[str, Any]:
    """Whether DfE may pay, and who does when it does not."""
    if eligible:
        return {"eligible_for_funding": True, "funding_eligibility_status_code": "funded"}
    abroad = catchment != "england"
    return {
        "eligible_for_funding": False,
        "funding_eligibility_status_code": "not_in_england" if abroad else "ineligible_establishment_type",
        "funding_choice": "self" if abroad else "school",
    }
