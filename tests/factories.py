"""A factory for every model; traits are named by state."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import factory
from django.contrib.auth.models import User
from factory.django import DjangoModelFactory

from applications.choices import ApplicationStatus, ReasonForRejection, TeacherCatchment
from applications.models import Application, PlannedTransfer
from declarations.choices import DeclarationState, DeclarationType, IneligibleReason, OutcomeState
from declarations.models import Declaration, DeliveryPartner, DeliveryPartnership, Outcome
from finance.choices import GROUP_TERMS, ExportKind, LineState, StatementState
from finance.models import Adjustment, ContractTerms, Export, LineItem, Milestone, PaymentRequest, Statement
from npq.backoffice.access_models import AccessEvent, AccessKind, StaffIdentity
from npq.backoffice.authenticator_models import Authenticator, new_key
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.backoffice.models import CheckKind, CheckResult, Confirmation, NotTheSamePerson
from npq.core.choices import CohortFunding, CourseGroup, MessageKind, MessageStep, TokenScope
from npq.core.models import (
    ApiToken,
    ApiTokenUse,
    Cohort,
    Course,
    LeadProvider,
    Message,
    MessageDecision,
    RateCounter,
    RefusalCount,
    RefusedRequest,
    TokenDay,
)
from participants.choices import TrainingStatus
from participants.models import (
    Enrolment,
    Note,
    Participant,
    ParticipantIdChange,
    Schedule,
    ScheduleWindow,
    TrainingStatusChange,
)

ACCEPTED_AT = datetime(2024, 10, 10, 9, 0, tzinfo=UTC)
# The first schedule of the year for each course group.
FIRST_SCHEDULES = {
    CourseGroup.LEADERSHIP: "npq-leadership-autumn",
    CourseGroup.SPECIALIST: "npq-specialist-autumn",
    CourseGroup.SUPPORT: "npq-aso-november",
    CourseGroup.EHCO: "npq-ehco-november",
}
ALL_TYPES = ["started", "retained-1", "retained-2", "completed"]


class LeadProviderFactory(DjangoModelFactory):
    class Meta:
        model = LeadProvider
        django_get_or_create = ("code",)

    code = factory.Sequence(lambda n: f"provider-{n}")
    name = factory.LazyAttribute(lambda made: made.code.replace("-", " ").title())


class CourseFactory(DjangoModelFactory):
    class Meta:
        model = Course
        django_get_or_create = ("identifier",)

    identifier = "npq-headship"
    name = factory.LazyAttribute(lambda made: made.identifier.removeprefix("npq-").replace("-", " ").capitalize())
    short_code = factory.LazyAttribute(lambda made: made.identifier.upper())
    group = CourseGroup.LEADERSHIP
    family = factory.LazyAttribute(lambda made: made.identifier)

    class Params:
        specialist = factory.Trait(identifier="npq-leading-teaching", group=CourseGroup.SPECIALIST)
        aso = factory.Trait(
            identifier="npq-additional-support-offer", group=CourseGroup.SUPPORT, family="early-headship-coaching"
        )
        ehco = factory.Trait(
            identifier="npq-early-headship-coaching-offer", group=CourseGroup.EHCO, family="early-headship-coaching"
        )


class CohortFactory(DjangoModelFactory):
    class Meta:
        model = Cohort
        django_get_or_create = ("start_year", "suffix")

    start_year = 2023
    suffix = "a"
    funding = CohortFunding.FULL

    class Params:
        capped = factory.Trait(start_year=2024, funding=CohortFunding.CAPPED)
        unfunded = factory.Trait(start_year=2026, funding=CohortFunding.UNFUNDED)


class ScheduleFactory(DjangoModelFactory):
    class Meta:
        model = Schedule
        django_get_or_create = ("cohort", "identifier")

    cohort = factory.SubFactory(CohortFactory)
    course_group = CourseGroup.LEADERSHIP
    identifier = factory.LazyAttribute(lambda made: FIRST_SCHEDULES[CourseGroup(made.course_group)])
    name = factory.LazyAttribute(lambda made: made.identifier.removeprefix("npq-").replace("-", " ").capitalize())
    starts_on = factory.LazyAttribute(lambda made: date(made.cohort.start_year, 10, 1))
    allowed_declaration_types = factory.LazyAttribute(
        lambda made: [kind for kind in ALL_TYPES if made.course_group != "specialist" or kind != "retained-2"]
    )


class ScheduleWindowFactory(DjangoModelFactory):
    class Meta:
        model = ScheduleWindow

    schedule = factory.SubFactory(ScheduleFactory)
    cohort = factory.SelfAttribute("schedule.cohort")
    course_group = factory.SelfAttribute("schedule.course_group")


class ParticipantFactory(DjangoModelFactory):
    class Meta:
        model = Participant

    full_name = factory.Sequence(lambda n: f"Priya Okafor {n}")
    teacher_reference_number = factory.Sequence(lambda n: f"{9_000_000 + n % 999_999:07d}")
    teacher_reference_number_verified = True
    date_of_birth = date(1985, 4, 1)

    class Params:
        unverified = factory.Trait(teacher_reference_number_verified=False)
        without_trn = factory.Trait(teacher_reference_number=None, teacher_reference_number_verified=False)


class ParticipantIdChangeFactory(DjangoModelFactory):
    class Meta:
        model = ParticipantIdChange

    participant = factory.SubFactory(ParticipantFactory)
    from_participant_id = factory.Faker("uuid4", cast_to=None)
    to_participant_id = factory.SelfAttribute("participant.public_id")


class ApplicationFactory(DjangoModelFactory):
    """`accepted=True` enrols the person on the leadership/specialist autumn schedule of the cohort."""

    class Meta:
        model = Application
        skip_postgeneration_save = True

    participant = factory.SubFactory(ParticipantFactory)
    course = factory.SubFactory(CourseFactory)
    cohort = factory.SubFactory(CohortFactory)
    lead_provider = factory.SubFactory(LeadProviderFactory)
    eligible_for_funding = True
    email = factory.LazyAttribute(lambda made: made.participant.full_name.lower().replace(" ", ".") + "@example.org")
    email_validated = True
    school_urn = "140233"
    school_ukprn = "10041122"
    works_in_school = True
    headteacher_status = "no"
    teacher_catchment = TeacherCatchment.ENGLAND
    teacher_catchment_country = "United Kingdom of Great Britain and Northern Ireland"
    teacher_catchment_iso_country_code = "GBR"

    class Params:
        rejected = factory.Trait(
            status=ApplicationStatus.REJECTED,
            reason_for_rejection=ReasonForRejection.REJECTED_BY_PROVIDER,
            decided_at=ACCEPTED_AT,
        )

    @factory.post_generation
    def accepted(self, create: bool, extracted: Any, **facts: Any) -> None:
        """ApplicationFactory(accepted=True, accepted__training_status="deferred", accepted__schedule=…)."""
        if extracted:
            EnrolmentFactory(application=self, **facts)


class EnrolmentFactory(DjangoModelFactory):
    """Accepts the application it is given (or makes one)."""

    class Meta:
        model = Enrolment

    application = factory.SubFactory(ApplicationFactory)
    participant = factory.SelfAttribute("application.participant")
    lead_provider = factory.SelfAttribute("application.lead_provider")
    course = factory.SelfAttribute("application.course")
    course_family = factory.SelfAttribute("application.course.family")
    cohort = factory.SelfAttribute("application.cohort")
    schedule = factory.LazyAttribute(
        lambda made: ScheduleFactory(cohort=made.application.cohort, course_group=made.application.course.group)
    )
    accepted_at = ACCEPTED_AT
    training_status = TrainingStatus.ACTIVE

    @classmethod
    def _create(cls, model_class: type[Enrolment], *args: Any, **values: Any) -> Enrolment:
        enrolment = super()._create(model_class, *args, **values)
        application = enrolment.application
        if enrolment.undone_at is None:
            application.status = ApplicationStatus.ACCEPTED
            application.decided_at = enrolment.accepted_at
            application.enrolment = enrolment
            if application.funded_place is None and application.cohort.funding != CohortFunding.FULL:
                application.funded_place = application.cohort.capped and application.eligible_for_funding
            application.save()
        TrainingStatusChangeFactory(
            enrolment=enrolment, status=enrolment.training_status, changed_at=enrolment.accepted_at
        )
        return enrolment


class TrainingStatusChangeFactory(DjangoModelFactory):
    class Meta:
        model = TrainingStatusChange

    enrolment = factory.SubFactory(EnrolmentFactory)
    status = TrainingStatus.ACTIVE
    reason = factory.LazyAttribute(lambda made: None if made.status == TrainingStatus.ACTIVE else "other")
    lead_provider = factory.SelfAttribute("enrolment.lead_provider")
    recorded_by = "a test"
    changed_at = ACCEPTED_AT


class PlannedTransferFactory(DjangoModelFactory):
    class Meta:
        model = PlannedTransfer

    application = factory.SubFactory(ApplicationFactory)
    lead_provider = factory.SubFactory(LeadProviderFactory)
    due_on = date(2024, 11, 1)
    requested_by = "Sam Reyes"
    reason = "Both providers agreed"


class NoteFactory(DjangoModelFactory):
    """About an application, unless a participant is given."""

    class Meta:
        model = Note

    participant = None
    application = factory.Maybe("participant", None, factory.SubFactory(ApplicationFactory))
    text = "Telephoned: will send the letter of the school."
    written_by = "Sam Reyes"


class DeliveryPartnerFactory(DjangoModelFactory):
    class Meta:
        model = DeliveryPartner

    name = factory.Sequence(lambda n: f"Northbeck Teaching Hub {n}")


class DeliveryPartnershipFactory(DjangoModelFactory):
    class Meta:
        model = DeliveryPartnership

    delivery_partner = factory.SubFactory(DeliveryPartnerFactory)
    lead_provider = factory.SubFactory(LeadProviderFactory)
    cohort = factory.SubFactory(CohortFactory)


class DeclarationFactory(DjangoModelFactory):
    class Meta:
        model = Declaration

    enrolment = factory.SubFactory(EnrolmentFactory)
    lead_provider = factory.SelfAttribute("enrolment.lead_provider")
    cohort = factory.SelfAttribute("enrolment.cohort")
    course = factory.SelfAttribute("enrolment.course")
    declaration_type = DeclarationType.STARTED
    declaration_date = factory.LazyAttribute(lambda made: made.enrolment.accepted_at + timedelta(days=7))

    class Params:
        completed = factory.Trait(declaration_type=DeclarationType.COMPLETED, has_passed=True)
        ineligible = factory.Trait(state=DeclarationState.INELIGIBLE, ineligible_reason=IneligibleReason.DUPLICATE)
        voided = factory.Trait(state=DeclarationState.VOIDED)


class OutcomeFactory(DjangoModelFactory):
    class Meta:
        model = Outcome

    declaration = factory.SubFactory(DeclarationFactory, completed=True)
    state = OutcomeState.PASSED
    completion_date = factory.LazyAttribute(lambda made: made.declaration.declaration_date.date())


class ContractTermsFactory(DjangoModelFactory):
    class Meta:
        model = ContractTerms

    lead_provider = factory.SubFactory(LeadProviderFactory)
    cohort = factory.SubFactory(CohortFactory)
    course = factory.SubFactory(CourseFactory)
    recruitment_target = 30
    per_participant = Decimal("1237.00")
    number_of_payment_periods = factory.LazyAttribute(
        lambda made: GROUP_TERMS[CourseGroup(made.course.group)].number_of_payment_periods
    )
    output_payment_percentage = factory.LazyAttribute(
        lambda made: GROUP_TERMS[CourseGroup(made.course.group)].output_payment_percentage
    )
    service_fee_percentage = factory.LazyAttribute(
        lambda made: GROUP_TERMS[CourseGroup(made.course.group)].service_fee_percentage
    )
    service_fee_installments = 24


class StatementFactory(DjangoModelFactory):
    class Meta:
        model = Statement

    lead_provider = factory.SubFactory(LeadProviderFactory)
    cohort = factory.SubFactory(CohortFactory)
    year = 2025
    month = 1
    deadline_date = factory.LazyAttribute(lambda made: date(made.year, made.month, 1) - timedelta(days=6))
    payment_date = factory.LazyAttribute(lambda made: date(made.year, made.month, 25))
    output_fee = True

    class Params:
        payable = factory.Trait(state=StatementState.PAYABLE, payable_at=ACCEPTED_AT)
        paid = factory.Trait(
            state=StatementState.PAID,
            payable_at=ACCEPTED_AT,
            paid_at=ACCEPTED_AT,
            total=Decimal("0.00"),
            payment=factory.LazyFunction(dict),
        )


class PaymentRequestFactory(DjangoModelFactory):
    class Meta:
        model = PaymentRequest

    statement = factory.SubFactory(StatementFactory, payable=True)
    total = Decimal("0.00")
    requested_by = "Sam Reyes"
    requester = "1"


class LineItemFactory(DjangoModelFactory):
    class Meta:
        model = LineItem

    declaration = factory.SubFactory(DeclarationFactory, state=DeclarationState.ELIGIBLE)
    statement = factory.SubFactory(
        StatementFactory,
        lead_provider=factory.SelfAttribute("..declaration.lead_provider"),
        cohort=factory.SelfAttribute("..declaration.cohort"),
    )
    lead_provider = factory.SelfAttribute("declaration.lead_provider")
    cohort = factory.SelfAttribute("declaration.cohort")
    course = factory.SelfAttribute("declaration.course")
    declaration_type = factory.SelfAttribute("declaration.declaration_type")
    state = LineState.ELIGIBLE


class AdjustmentFactory(DjangoModelFactory):
    class Meta:
        model = Adjustment

    statement = factory.SubFactory(StatementFactory)
    description = "Correction agreed in March"
    amount = Decimal("-125.40")


class MilestoneFactory(DjangoModelFactory):
    class Meta:
        model = Milestone

    schedule = factory.SubFactory(ScheduleFactory)
    declaration_type = DeclarationType.STARTED
    deadline_date = factory.LazyAttribute(lambda made: date(made.schedule.cohort.start_year, 11, 25))


class ExportFactory(DjangoModelFactory):
    class Meta:
        model = Export

    kind = ExportKind.PAYMENT
    statement = factory.SubFactory(StatementFactory)
    rows = 1


class ApiTokenFactory(DjangoModelFactory):
    """`secret` is what the caller sends; it is not stored."""

    class Meta:
        model = ApiToken

    class Params:
        secret = factory.Sequence(lambda n: f"secret-of-a-test-{n}")

    scope = TokenScope.LEAD_PROVIDER
    lead_provider = factory.SubFactory(LeadProviderFactory)
    digest = factory.LazyAttribute(lambda made: ApiToken.digest_of(made.secret))


class ApiTokenUseFactory(DjangoModelFactory):
    class Meta:
        model = ApiTokenUse

    token = factory.SubFactory(ApiTokenFactory)
    last_used_at = ACCEPTED_AT


class RateCounterFactory(DjangoModelFactory):
    class Meta:
        model = RateCounter

    token = factory.SubFactory(ApiTokenFactory)
    window = 1


class TokenDayFactory(DjangoModelFactory):
    class Meta:
        model = TokenDay

    token = factory.SubFactory(ApiTokenFactory)
    day = date(2024, 10, 10)
    requests = 1


class RefusalCountFactory(DjangoModelFactory):
    class Meta:
        model = RefusalCount

    token = factory.SubFactory(ApiTokenFactory)
    hour = ACCEPTED_AT
    status = 422


class RefusedRequestFactory(DjangoModelFactory):
    """`record_id` is the record in its path."""

    class Meta:
        model = RefusedRequest

    class Params:
        record_id = factory.LazyFunction(uuid4)

    token = factory.SubFactory(ApiTokenFactory)
    lead_provider = factory.SelfAttribute("token.lead_provider")
    method = "POST"
    path = factory.LazyAttribute(lambda made: f"/api/v3/npq-applications/{made.record_id}/accept")
    status = 422
    codes = ["application_already_accepted"]
    titles = ["application"]
    record_ids = factory.LazyAttribute(lambda made: [made.record_id])
    request_id = factory.Sequence(lambda n: f"request-{n}")
    milliseconds = 12


class MessageFactory(DjangoModelFactory):
    class Meta:
        model = Message

    kind = MessageKind.APPLICATION_ACCEPTED
    to = "priya.okafor@example.org"
    participant_public_id = factory.Faker("uuid4", cast_to=None)


class MessageDecisionFactory(DjangoModelFactory):
    class Meta:
        model = MessageDecision

    message = factory.SubFactory(MessageFactory)
    step = MessageStep.DEALT_WITH
    failed_at = factory.SelfAttribute("message.to")
    error = "Nobody reads at this address"
    decided_by = "Sam Reyes"
    reason = "Told on the telephone"


class StaffFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"sam-reyes-{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    is_staff = True


class StaffIdentityFactory(DjangoModelFactory):
    class Meta:
        model = StaffIdentity

    user = factory.SubFactory(StaffFactory)
    issuer = "https://identity.example.org"
    subject = factory.Faker("uuid4")


class AuthenticatorFactory(DjangoModelFactory):
    class Meta:
        model = Authenticator

    user = factory.SubFactory(StaffFactory)
    name = "phone"
    key = factory.LazyFunction(new_key)
    confirmed = True


class AccessEventFactory(DjangoModelFactory):
    class Meta:
        model = AccessEvent

    kind = AccessKind.SIGNED_IN
    username = "sam-reyes"
    by = factory.SelfAttribute("username")


class ConfirmationFactory(DjangoModelFactory):
    class Meta:
        model = Confirmation

    public_id = factory.LazyFunction(uuid4)


class NotTheSamePersonFactory(DjangoModelFactory):
    class Meta:
        model = NotTheSamePerson

    first = factory.SubFactory(ParticipantFactory)
    second = factory.SubFactory(ParticipantFactory)
    decided_by = "Sam Reyes"
    reason = "Twins, as both schools confirm"


class CheckResultFactory(DjangoModelFactory):
    class Meta:
        model = CheckResult

    code = factory.Sequence(lambda n: f"rule_{n}")
    kind = CheckKind.RULE
    sentence = "A rule holds."
    found = 0


class BulkJobFactory(DjangoModelFactory):
    class Meta:
        model = BulkJob

    kind = "undo_acceptance"
    file_name = "applications.csv"
    digest = factory.Sequence(lambda n: f"{n:064x}")
    header = ["id"]
    uploaded_by = "Sam Reyes"
    uploader = "1"


class BulkRowFactory(DjangoModelFactory):
    class Meta:
        model = BulkRow

    job = factory.SubFactory(BulkJobFactory)
    line = factory.Sequence(lambda n: n + 2)
    cells = [""]
