"""`manage.py seed_sandbox [--applications N] [--seed N] [--format json]`."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from npq.core.commands import BadInput, Mode, OpsCommand
from npq.core.models import LeadProvider
from npq.core.parsing import argument, whole_number
from npq.sandbox.access import Access, data_directory
from npq.sandbox.deeds import declarations_of
from npq.sandbox.plan import Applied
from npq.sandbox.practice import leave_traces_of_calls
from npq.sandbox.seeding import DEFAULT_APPLICATIONS, DEFAULT_SEED, PROVIDERS, applications_number, seed_demo_data
from participants.models import Participant


class Command(OpsCommand):
    """Makes demo data and prints who is who."""

    help = (
        "Makes believable demo data for three providers; the same seed adds nothing the second time. "
        "Another seed adds other people, whose declarations land on the statements that are still open by then."
    )
    mode = Mode.ACTS
    exclusive = True
    providers: list[dict[str, Any]]

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--applications",
            type=argument(applications_number),
            default=DEFAULT_APPLICATIONS,
            metavar="N",
            help=f"how many besides the named scenarios ({DEFAULT_APPLICATIONS})",
        )
        parser.add_argument(
            "--seed",
            type=argument(whole_number),
            default=DEFAULT_SEED,
            metavar="N",
            help="another number, other people",
        )

    def run(self, *, applications: int, seed: int, **_: Any) -> None:
        if settings.NPQ_ENVIRONMENT == "production":
            raise BadInput("this is production; demo data is for a sandbox")
        if LeadProvider.objects.filter(code__in=PROVIDERS).count() < len(PROVIDERS):
            raise BadInput("the reference data is missing; run load_reference_data first")
        seeded = seed_demo_data(applications=applications, number=seed, progress=self.progress)
        access = Access.at(data_directory())
        self.providers = [
            {
                "code": code,
                "token": access.token_of(LeadProvider.objects.get(code=code)),
                "scenarios": {name: ids_of(applied) for name, applied in scenarios.items()},
            }
            for code, scenarios in seeded.plan.scenarios.items()
        ]
        leave_traces_of_calls(seeded.practice)
        for provider in self.providers:
            for name, ids in provider["scenarios"].items():
                self.report.row(id=ids["application_id"], result="ready", provider=provider["code"], scenario=name)
        self.report.count("applications added", seeded.received)
        self.report.count("deeds done", seeded.done)
        self.report.count("deeds refused", len(seeded.refused))

    def document(self) -> dict[str, Any]:
        return {"providers": self.providers}

    def table(self) -> str:
        tokens = "\n".join(f"TOKEN {provider['code']} {provider['token']}" for provider in self.providers)
        return f"{super().table()}\n{tokens}"


def ids_of(applied: Applied) -> dict[str, Any]:
    """The ids of a scenario as they are now: a merge may have changed the participant's."""
    return {
        "application_id": applied.id,
        "participant_id": Participant.objects.values_list("public_id", flat=True).get(
            applications__public_id=applied.id
        ),
        "declaration_ids": list(declarations_of(applied).values_list("public_id", flat=True)),
    }
