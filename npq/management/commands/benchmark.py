"""`manage.py benchmark`: the speed of the service beside what the database could do at best."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from npq.benchmark.backoffice import back_office_cases
from npq.benchmark.data import MEASURED_PROVIDER, fill
from npq.benchmark.database import create_benchmark_database, use_benchmark_database
from npq.benchmark.measuring import Finding, table
from npq.benchmark.pages import PAGES, Provider, depth_cases, page_cases
from npq.benchmark.statements import statement_cases
from npq.benchmark.writes import accept_case, server, submit_cases
from npq.core.audit import Actor, acting_as
from npq.core.choices import TokenScope
from npq.core.models import ApiToken, LeadProvider

CASES = [*PAGES, "depth", "statement", "backoffice", "accept", "submit"]


class Command(BaseCommand):
    """Measures ratios in a database of its own, which is kept for the next run."""

    help = (
        "Measures the API beside hand-written SQL, in a database of its own (npq_benchmark, kept for the next run). "
        "Both sides take turns in one run; medians and ratios are printed. Takes some minutes the first time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--applications", type=int, default=1_000_000, help="how many to fill the database with")
        parser.add_argument("--rounds", type=int, default=7, help="how often each side is measured")
        parser.add_argument("--writes", type=int, default=300, help="how many records each write case changes")
        parser.add_argument("--only", choices=CASES, nargs="+", default=CASES, help="the cases to run")
        parser.add_argument("--rebuild", action="store_true", help="drop and fill the database again")

    def handle(self, **options: Any) -> None:
        if settings.NPQ_ENVIRONMENT == "production":
            raise CommandError("The benchmark does not run in production. Set NPQ_ENVIRONMENT=sandbox.")
        settings.NPQ_RATE_LIMIT = 10**9
        new = create_benchmark_database(rebuild=options["rebuild"])
        use_benchmark_database()
        if new:
            self._build(options["applications"])
        else:
            call_command("migrate", verbosity=0)
        provider = self._provider()
        findings: list[Finding] = []
        self._say(f"Measuring, {options['rounds']} rounds …")
        only = options["only"]
        findings += page_cases(provider, options["rounds"], [name for name in PAGES if name in only])
        if "depth" in only:
            findings += depth_cases(provider, options["rounds"])
        if "statement" in only:
            findings += statement_cases(provider, options["rounds"])
        if "backoffice" in only:
            findings += back_office_cases(options["rounds"])
        if "accept" in only:
            with server() as port:
                findings.append(accept_case(provider, port, options["writes"]))
        if "submit" in only:
            with server() as port:
                findings += submit_cases(provider, port, options["writes"])
        self.stdout.write(table(findings))
        if any(finding.met is False for finding in findings):
            raise CommandError("At least one target was missed.", returncode=1)

    def _build(self, applications: int) -> None:
        self._say(f"Filling npq_benchmark with {applications:,} applications; this takes some minutes …")
        call_command("migrate", verbosity=0)
        call_command("load_reference_data", verbosity=0)
        fill(applications, self._say)

    def _provider(self) -> Provider:
        lead_provider = LeadProvider.objects.get(code=MEASURED_PROVIDER)
        secret = ApiToken.new_secret()
        with acting_as(Actor.system("benchmark"), "create_api_token"):
            ApiToken.objects.create(
                scope=TokenScope.LEAD_PROVIDER,
                lead_provider=lead_provider,
                label="benchmark",
                digest=ApiToken.digest_of(secret),
            )
        return Provider(lead_provider.id, secret)

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()
