"""The many applications around the scenarios: drawn by chance, but the same for the same seed and number."""

import random
import uuid
from datetime import timedelta
from typing import Any

from declarations.choices import DeclarationType
from npq.sandbox import deeds
from npq.sandbox.people import (
    CATCHMENTS,
    OTHER_EMPLOYERS,
    Person,
    answers_about,
    answers_about_money,
    answers_about_place,
    answers_about_work,
    identifier,
    person,
)
from npq.sandbox.plan import Applied, Deed, Plan
from npq.sandbox.scenarios import RETAINED, YEARS, partner_of

# The scenarios have the TRNs before.
FIRST_NUMBER = 1_000
COHORTS = {"2023a": 30, "2024a": 35, "2025a": 25, "2026b": 10}
COURSES = (
    *("npq-headship", "npq-senior-leadership", "npq-executive-leadership", "npq-early-years-leadership"),
    *("npq-leading-teaching", "npq-leading-behaviour-culture", "npq-leading-teaching-development"),
    *("npq-leading-literacy", "npq-leading-primary-mathematics", "npq-early-headship-coaching-offer"),
)
SPECIALIST = tuple(course for course in COURSES if course.startswith("npq-leading"))
# Where an acceptance says whether the place is funded, and declarations name a delivery partner.
CAPPED = ("2024a", "2025a")
MOST_STEPS_BACK = 6


def add_crowd(plan: Plan, providers: list[str], *, seed: int, number: int) -> None:
    """Adds so many applications, and what becomes of them, to the plan; more of them begin with the same ones."""
    for index in range(number):
        _add(plan, providers[index % len(providers)], index, seed)


def _add(plan: Plan, provider: str, index: int, seed: int) -> None:
    chance = random.Random(f"{seed}/crowd/{index}")  # noqa: S311  demo data
    cohort = chance.choices(list(COHORTS), weights=list(COHORTS.values()))[0]
    course = chance.choice(COURSES)
    somebody = _somebody(index, seed, chance)
    applied = Applied(identifier(seed, "crowd", index), somebody.id, provider, course, cohort)
    content = _content(applied, somebody, chance)
    plan.applications.append(content)
    if cohort != "2026b":
        _decide(plan, applied, chance, content)


def _somebody(index: int, seed: int, chance: random.Random) -> Person:
    """Mostly somebody new; sometimes one of those just before, who applies once more."""
    if index > MOST_STEPS_BACK and chance.random() < 0.1:
        index -= chance.randint(1, MOST_STEPS_BACK)
    known = random.Random(f"{seed}/trn/{index}").random()  # noqa: S311  demo data
    return person(FIRST_NUMBER + index, seed=seed, key=f"crowd/{index}", verified=known < 0.8, with_trn=known < 0.9)


def _content(applied: Applied, somebody: Person, chance: random.Random) -> dict[str, Any]:
    catchment = "england" if chance.random() < 0.85 else chance.choice(list(CATCHMENTS))
    setting = chance.choices(["school", "early_years", "lead_mentor", "another"], weights=[80, 8, 4, 8])[0]
    eligible = catchment == "england" and chance.random() < 0.8
    created = YEARS[applied.cohort].applied + timedelta(days=chance.randrange(-20, 21))
    time_of_day = f"{chance.randrange(7, 22):02d}:{chance.randrange(60):02d}:{chance.randrange(60):02d}"
    return {
        "id": str(applied.id),
        "lead_provider": applied.lead_provider,
        "course_identifier": applied.course,
        "cohort": int(applied.cohort[:4]),
        "cohort_suffix": applied.cohort[4],
        "created_at": f"{created.isoformat()}T{time_of_day}+00:00",
        "targeted_delivery_funding_eligibility": eligible and applied.cohort == "2023a" and chance.random() < 0.3,
        **answers_about(somebody),
        **answers_about_work(setting, chance, employment_type=chance.choice(list(OTHER_EMPLOYERS))),
        **answers_about_place(catchment),
        **answers_about_money(eligible=eligible, catchment=catchment),
    }


def _decide(plan: Plan, applied: Applied, chance: random.Random, content: dict[str, Any]) -> None:
    day = YEARS[applied.cohort].accepted + timedelta(days=chance.randrange(10))
    fate = chance.random()
    if fate < 0.12:
        plan.deeds.append(Deed(day, "crowd", deeds.reject(applied)))
    elif fate < 0.55:
        capped = applied.cohort in CAPPED
        funded_place = content["eligible_for_funding"] if capped else None
        plan.deeds.append(Deed(day, "crowd", deeds.accept(applied, funded_place=funded_place)))
        overseas = content["teacher_catchment"] != "england"
        _train(plan, applied, chance, partner=partner_of(applied.lead_provider) if capped and not overseas else None)


def _train(plan: Plan, applied: Applied, chance: random.Random, *, partner: uuid.UUID | None) -> None:
    year = YEARS[applied.cohort]
    steps = [(DeclarationType.STARTED, year.started), *zip(RETAINED, year.retained, strict=True)]
    if applied.course in SPECIALIST:
        steps.pop()
    for kind, day in steps[: chance.randint(0, len(steps))]:
        shifted = day + timedelta(days=chance.randrange(5))
        plan.deeds.append(Deed(shifted, "crowd", deeds.declare(applied, kind, partner=partner)))
    if chance.random() < 0.1:
        plan.deeds.append(Deed(year.retained[1] + timedelta(days=6), "crowd", deeds.defer(applied)))
