"""The named scenarios: for each provider the same situations, with people of their own.

A scenario is a function of a `Story`; its name is the function's and stays, because people script against it.
"""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from declarations.choices import DeclarationType, OutcomeState
from npq.sandbox import deeds
from npq.sandbox.people import (
    Person,
    answers_about,
    answers_about_money,
    answers_about_place,
    answers_about_work,
    identifier,
    person,
)
from npq.sandbox.plan import Act, Applied, Deed, Plan

STARTED, COMPLETED = DeclarationType.STARTED, DeclarationType.COMPLETED
RETAINED = (DeclarationType.RETAINED_1, DeclarationType.RETAINED_2)


@dataclass(frozen=True)
class Year:
    """When things happen in a cohort."""

    applied: date
    accepted: date
    started: date
    retained: tuple[date, date]
    completed: date


YEARS = {
    "2021a": Year(date(2021, 11, 8), date(2021, 11, 22), date(2021, 12, 6), (date(2022, 5, 9), date(2022, 10, 10)),
                  date(2023, 2, 6)),
    "2022a": Year(date(2022, 9, 12), date(2022, 10, 17), date(2022, 11, 7), (date(2023, 3, 6), date(2023, 12, 4)),
                  date(2024, 6, 3)),
    "2023a": Year(date(2023, 9, 11), date(2023, 10, 16), date(2023, 11, 6), (date(2024, 2, 12), date(2024, 10, 14)),
                  date(2025, 5, 12)),
    "2024a": Year(date(2024, 9, 9), date(2024, 10, 14), date(2024, 11, 4), (date(2025, 5, 12), date(2025, 10, 13)),
                  date(2025, 11, 10)),
    "2025a": Year(date(2025, 9, 8), date(2025, 10, 13), date(2025, 11, 3), (date(2025, 11, 10), date(2025, 11, 17)),
                  date(2025, 11, 24)),
    "2026a": Year(date(2025, 11, 3), date(2025, 11, 10), date(2026, 2, 9), (date(2026, 5, 11), date(2026, 9, 14)),
                  date(2027, 2, 8)),
    "2026b": Year(date(2025, 11, 17), date(2025, 11, 24), date(2026, 9, 7), (date(2027, 1, 11), date(2027, 5, 10)),
                  date(2027, 11, 8)),
}  # fmt: skip


class Story:
    """One scenario of one provider: adds applications and deeds to the plan."""

    def __init__(self, plan: Plan, *, seed: int, name: str, provider: str, rival: str, number: int) -> None:
        self.plan = plan
        self.seed = seed
        self.name = name
        self.provider = provider
        self.rival = rival
        self._number = number
        self._people = 0
        self._applications = 0

    def somebody(self, **more: Any) -> Person:
        """The next person of this scenario; see `people.person`."""
        key = f"{self.provider}/{self.name}/{self._people}"
        self._people += 1
        return person(self._number * 4 + self._people, seed=self.seed, key=key, **more)

    def applies(
        self,
        somebody: Person | None = None,
        *,
        cohort: str = "2023a",
        course: str = "npq-headship",
        to: str | None = None,
        eligible: bool = True,
        catchment: str = "england",
        setting: str = "school",
        **answers: Any,
    ) -> Applied:
        """Somebody applies, to this provider unless `to` names another."""
        somebody = somebody or self.somebody()
        self._applications += 1
        key = (self.seed, "scenario", self.provider, self.name, self._applications)
        lead_provider = to or self.provider
        chance = random.Random("/".join(map(str, key)))  # noqa: S311  demo data
        applied = Applied(identifier(*key), somebody.id, lead_provider, course, cohort)
        self.plan.applications.append(
            {
                "id": str(applied.id),
                "lead_provider": lead_provider,
                "course_identifier": course,
                "cohort": int(cohort[:4]),
                "cohort_suffix": cohort[4],
                "created_at": f"{YEARS[cohort].applied.isoformat()}T09:30:00+00:00",
                **answers_about(somebody),
                **answers_about_work(setting, chance),
                **answers_about_place(catchment),
                **answers_about_money(eligible=eligible and catchment == "england", catchment=catchment),
                **answers,
            }
        )
        return applied

    def then(self, on: date, act: Act) -> None:
        """Adds a deed."""
        self.plan.deeds.append(Deed(on, f"{self.provider} {self.name}", act))

    def accepted(self, somebody: Person | None = None, *, funded_place: bool | None = None, **more: Any) -> Applied:
        """Somebody applies and is accepted."""
        applied = self.applies(somebody, **more)
        self.then(YEARS[applied.cohort].accepted, deeds.accept(applied, funded_place=funded_place))
        return applied

    def started(self, somebody: Person | None = None, **more: Any) -> Applied:
        """Somebody is accepted and has started."""
        applied = self.accepted(somebody, **more)
        self.declares(applied, STARTED, YEARS[applied.cohort].started)
        return applied

    def completed(self, *, has_passed: bool | None, **more: Any) -> Applied:
        """Somebody has gone all the way."""
        applied = self.started(**more)
        year = YEARS[applied.cohort]
        for kind, day in zip(RETAINED, year.retained, strict=True):
            self.declares(applied, kind, day)
        self.declares(applied, COMPLETED, year.completed, has_passed=has_passed)
        return applied

    def declares(self, applied: Applied, kind: DeclarationType, on: date, *, has_passed: bool | None = None) -> None:
        """The provider declares. From 2024 on with a delivery partner, as the newest contract asks."""
        partner = partner_of(applied.lead_provider) if int(applied.cohort[:4]) >= 2024 else None
        self.then(on, deeds.declare(applied, kind, has_passed=has_passed, partner=partner))


def partner_of(provider: str) -> uuid.UUID:
    """The delivery partner that a provider's demo declarations name."""
    return identifier("delivery partner", provider, 1)


Scenario = Callable[[Story], Applied]
SCENARIOS: dict[str, Scenario] = {}


def scenario(tell: Scenario) -> Scenario:
    """Adds a scenario under its function's name."""
    SCENARIOS[tell.__name__] = tell
    return tell


# Applications that wait for a decision --------------------------------------------------------------


@scenario
def pending(story: Story) -> Applied:
    return story.applies()


@scenario
def pending_specialist(story: Story) -> Applied:
    return story.applies(course="npq-leading-teaching")


@scenario
def pending_capped_eligible(story: Story) -> Applied:
    return story.applies(cohort="2024a")


@scenario
def pending_capped_not_eligible(story: Story) -> Applied:
    return story.applies(cohort="2024a", eligible=False)


@scenario
def pending_unfunded(story: Story) -> Applied:
    return story.applies(cohort="2026a", eligible=False, funding_eligibility_status_code="unfunded_cohort")


@scenario
def pending_latest(story: Story) -> Applied:
    return story.applies(cohort="2026b", course="npq-senior-leadership")


@scenario
def pending_senco(story: Story) -> Applied:
    return story.applies(cohort="2025a", course="npq-senco", works_as_senco="yes", senco_start_date="2024-09-02")


@scenario
def pending_coaching_offer(story: Story) -> Applied:
    return story.applies(
        cohort="2025a", course="npq-early-headship-coaching-offer", headteacher_status="yes_in_first_five_years"
    )


@scenario
def pending_early_years(story: Story) -> Applied:
    return story.applies(course="npq-early-years-leadership", setting="early_years")


@scenario
def pending_lead_mentor(story: Story) -> Applied:
    return story.applies(course="npq-leading-teaching-development", setting="lead_mentor")


@scenario
def pending_trn_unverified(story: Story) -> Applied:
    return story.applies(story.somebody(verified=False))


@scenario
def pending_without_trn(story: Story) -> Applied:
    return story.applies(story.somebody(with_trn=False))


@scenario
def pending_scotland(story: Story) -> Applied:
    return story.applies(catchment="scotland")


@scenario
def pending_wales(story: Story) -> Applied:
    return story.applies(catchment="wales")


@scenario
def pending_northern_ireland(story: Story) -> Applied:
    return story.applies(catchment="northern_ireland")


@scenario
def pending_crown_dependency(story: Story) -> Applied:
    return story.applies(catchment="jersey_guernsey_isle_of_man")


@scenario
def pending_abroad(story: Story) -> Applied:
    return story.applies(catchment="another")


@scenario
def pending_with_siblings(story: Story) -> Applied:
    """Accepting it rejects the person's two other applications for the course and cohort."""
    somebody = story.somebody()
    mine = story.applies(somebody)
    story.applies(somebody, to=story.rival)
    story.applies(somebody)
    return mine


@scenario
def pending_held_elsewhere(story: Story) -> Applied:
    """Another provider has accepted the person on this course, in an earlier cohort: accepting is refused."""
    somebody = story.somebody()
    story.accepted(somebody, cohort="2022a", to=story.rival)
    return story.applies(somebody)


@scenario
def pending_held_under_same_trn(story: Story) -> Applied:
    """Accepted elsewhere under another participant id with the same verified TRN: accepting is refused."""
    somebody = story.somebody()
    story.accepted(somebody, to=story.rival)
    return story.applies(replace(story.somebody(), trn=somebody.trn, name=somebody.name))


@scenario
def pending_previously_funded(story: Story) -> Applied:
    """Funded before on this course and withdrawn: no longer eligible."""
    somebody = story.somebody()
    before = story.started(somebody)
    story.then(date(2024, 6, 3), deeds.withdraw(before))
    return story.applies(somebody, cohort="2024a")


# Decisions -----------------------------------------------------------------------------------------------


@scenario
def accepted(story: Story) -> Applied:
    return story.accepted()


@scenario
def accepted_funded_place(story: Story) -> Applied:
    return story.accepted(cohort="2024a", funded_place=True)


@scenario
def accepted_without_funded_place(story: Story) -> Applied:
    return story.accepted(cohort="2024a", funded_place=False)


@scenario
def accepted_unfunded(story: Story) -> Applied:
    return story.accepted(cohort="2026a", eligible=False, funded_place=False)


@scenario
def accepted_support_offer(story: Story) -> Applied:
    return story.accepted(cohort="2021a", course="npq-additional-support-offer")


@scenario
def accepted_under_new_name(story: Story) -> Applied:
    """The person applied again, for another course, under another name."""
    somebody = story.somebody()
    mine = story.accepted(somebody)
    first_name = somebody.name.split()[0]
    story.applies(replace(somebody, name=f"{first_name} Thornbury"), course="npq-leading-literacy")
    return mine


@scenario
def accepted_participant_merged(story: Story) -> Applied:
    """Two participant ids were found to be one person: the old id leads to the new one."""
    mine = story.accepted()
    retired = story.applies(story.somebody(with_trn=False), course="npq-leading-behaviour-culture")
    story.then(date(2024, 1, 8), deeds.merge(retired, mine))
    return mine


@scenario
def rejected(story: Story) -> Applied:
    applied = story.applies()
    story.then(YEARS[applied.cohort].accepted, deeds.reject(applied))
    return applied


@scenario
def rejected_automatically(story: Story) -> Applied:
    """Another provider accepted the same person for the same course and cohort."""
    somebody = story.somebody()
    mine = story.applies(somebody)
    story.accepted(somebody, to=story.rival)
    return mine


# Training ------------------------------------------------------------------------------------------------


@scenario
def started(story: Story) -> Applied:
    """Submitted, and eligible to be paid on a statement that is open."""
    return story.started(cohort="2025a", funded_place=True)


@scenario
def started_paid(story: Story) -> Applied:
    return story.started()


@scenario
def started_with_targeted_funding(story: Story) -> Applied:
    return story.started(targeted_delivery_funding_eligibility=True)


@scenario
def started_not_funded(story: Story) -> Applied:
    """Submitted, never paid: DfE does not fund the place."""
    return story.started(cohort="2024a", eligible=False, funded_place=False)


@scenario
def started_duplicate(story: Story) -> Applied:
    """Another participant with the same verified TRN has been declared for the same course: ineligible."""
    somebody = story.somebody()
    before = story.started(somebody, to=story.rival)
    story.then(date(2024, 3, 4), deeds.withdraw(before))
    again = story.applies(replace(story.somebody(), trn=somebody.trn, name=somebody.name))
    story.then(date(2024, 3, 11), deeds.accept(again))
    story.declares(again, STARTED, date(2024, 3, 18))
    return again


@scenario
def started_voided(story: Story) -> Applied:
    applied = story.started(cohort="2025a", funded_place=True)
    story.then(date(2025, 11, 17), deeds.void(applied, STARTED))
    return applied


@scenario
def started_clawed_back(story: Story) -> Applied:
    """Paid, voided, and taken back on a statement that was paid after it."""
    applied = story.started()
    story.then(date(2024, 9, 9), deeds.void(applied, STARTED))
    return applied


@scenario
def started_awaiting_clawback(story: Story) -> Applied:
    """Paid, voided, and to be taken back on the next statement."""
    applied = story.started()
    story.then(date(2025, 11, 17), deeds.void(applied, STARTED))
    return applied


@scenario
def retained(story: Story) -> Applied:
    applied = story.started(cohort="2024a", funded_place=True)
    story.declares(applied, RETAINED[0], YEARS["2024a"].retained[0])
    return applied


@scenario
def deferred(story: Story) -> Applied:
    applied = story.started()
    story.then(date(2024, 4, 15), deeds.defer(applied))
    return applied


@scenario
def resumed(story: Story) -> Applied:
    applied = story.started()
    story.then(date(2024, 4, 15), deeds.defer(applied, "long-term-sickness"))
    story.then(date(2024, 9, 2), deeds.resume(applied))
    return applied


@scenario
def withdrawn(story: Story) -> Applied:
    applied = story.started()
    story.then(date(2024, 6, 10), deeds.withdraw(applied))
    return applied


@scenario
def schedule_changed(story: Story) -> Applied:
    applied = story.accepted()
    story.then(date(2023, 12, 11), deeds.move_to(applied, "npq-leadership-spring", "2023"))
    return applied


@scenario
def completed_passed(story: Story) -> Applied:
    return story.completed(has_passed=True)


@scenario
def completed_failed(story: Story) -> Applied:
    return story.completed(has_passed=False)


@scenario
def completed_coaching_offer(story: Story) -> Applied:
    """No outcome: the coaching offer ends in none."""
    return story.completed(has_passed=None, course="npq-early-headship-coaching-offer")


@scenario
def outcome_corrected(story: Story) -> Applied:
    """Failed at first, passed later."""
    applied = story.completed(has_passed=False)
    story.then(date(2025, 9, 8), deeds.correct_outcome(applied, OutcomeState.PASSED))
    return applied


@scenario
def outcome_retracted(story: Story) -> Applied:
    """Passed, then the completed declaration was voided."""
    applied = story.completed(has_passed=True)
    story.then(date(2025, 9, 15), deeds.void(applied, COMPLETED))
    return applied


def tell_all(plan: Plan, providers: list[str], *, seed: int) -> None:
    """Adds every scenario of every provider to the plan; the rival is the next provider in the list."""
    for place, provider in enumerate(providers):
        rival = providers[(place + 1) % len(providers)]
        for number, (name, tell) in enumerate(SCENARIOS.items()):
            story = Story(
                plan, seed=seed, name=name, provider=provider, rival=rival, number=place * len(SCENARIOS) + number
            )
            plan.scenarios.setdefault(provider, {})[name] = tell(story)
