"""What staff see of the ground floor: messages, API tokens, reference data, and the staff themselves."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Q, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from applications.models import Application
from npq.backoffice.filters import Conditions, by_dates, by_lead_provider, by_presence, by_truth, by_words, choice
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, link
from npq.backoffice.tags import tag
from npq.backoffice.timeline import Event, events_about_record
from npq.core.choices import CohortFunding, MessageKind, MessageState, TokenScope
from npq.core.models import ApiToken, Cohort, Course, LeadProvider, Message
from participants.models import Participant


class ReferenceAdmin(InspectAdmin):
    """Reference data: the page shows every column that is not an id inside."""

    shown_fields: tuple[str, ...] = ()
    ordering: ClassVar[tuple[str, ...]] = ("id",)

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record(self.model._meta.db_table, record.id)

    def page_of(self, record: Any) -> Page:
        facts = [
            (str(self.model._meta.get_field(name).verbose_name).capitalize(), _value(record, name))
            for name in self.shown_fields
        ]
        kind = str(self.model._meta.verbose_name)
        facts = [("ID", record.public_id), *facts, ("Last updated", record.updated_at)]
        return Page(title=str(record), tag="", sections=[Facts(kind.capitalize(), facts)])


def _value(record: Any, name: str) -> Any:
    words = getattr(record, f"get_{name}_display", None)
    return words() if words else getattr(record, name)


@admin.register(LeadProvider)
class LeadProviderAdmin(ReferenceAdmin):
    """Lead providers."""

    list_display = ("name", "code", "public_id")
    shown_fields = ("name", "code")
    ordering = ("name",)


@admin.register(Course)
class CourseAdmin(ReferenceAdmin):
    """Courses."""

    list_display = ("identifier", "name", "group", "family", "public_id")
    shown_fields = ("identifier", "name", "short_code", "group", "family", "position")
    ordering = ("position", "id")


@admin.register(Cohort)
class CohortAdmin(ReferenceAdmin):
    """Cohorts."""

    list_display = ("identifier", "funding", "registration_start_date", "public_id")
    list_filter = (by_words("funding", "funding", CohortFunding.choices),)
    shown_fields = ("start_year", "suffix", "funding", "registration_start_date")
    ordering = ("-start_year", "suffix")


@admin.register(ApiToken)
class ApiTokenAdmin(InspectAdmin):
    """API tokens; the secret is nowhere."""

    list_display = ("public_id", "scope", "lead_provider", "label", "expires_at", "revoked_at", "last_used")
    list_filter = (
        by_words("scope", "scope", TokenScope.choices),
        by_lead_provider(),
        by_presence("revoked", "revoked", "revoked_at"),
    )
    list_select_related = ("lead_provider", "use")
    ordering = ("-id",)

    @admin.display(description="last used")
    def last_used(self, token: ApiToken) -> Any:
        """When it was last used, or nothing."""
        return token.use.last_used_at if hasattr(token, "use") else None

    def records(self) -> QuerySet[Any]:
        return ApiToken.objects.select_related("lead_provider", "use")

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record("core_apitoken", record.id)

    def page_of(self, record: Any) -> Page:
        return Page(
            title=f"API token {record}",
            tag="Revoked" if record.revoked_at else "",
            sections=[
                Facts(
                    "API token",
                    [
                        ("ID", record.public_id),
                        ("Scope", record.get_scope_display()),
                        ("Lead provider", record.lead_provider.name if record.lead_provider else None),
                        ("Label", record.label),
                        ("Made", record.created_at),
                        ("Expires", record.expires_at),
                        ("Revoked", record.revoked_at),
                        ("Last used", self.last_used(record)),
                    ],
                )
            ],
        )


@admin.register(Message)
class MessageAdmin(InspectAdmin):
    """Messages to participants."""

    list_display = ("kind", "to", "stands", "attempts", "created_at", "sent_at")
    list_filter = (
        by_words("state", "state", MessageState.choices),
        by_words("kind", "kind", MessageKind.choices),
        by_dates("created_at", "made"),
    )
    search_help_text = "A message ID"
    ordering = ("-id",)

    @admin.display(description="state")
    def stands(self, message: Message) -> str:
        """Its state, as a tag."""
        return tag(message.get_state_display())

    def page_of(self, record: Any) -> Page:
        application = record.application_public_id
        return Page(
            title=record.get_kind_display(),
            tag=record.get_state_display(),
            lead=record.last_error,
            sections=[
                Facts(
                    "Message",
                    [
                        ("ID", record.public_id),
                        ("To", record.to),
                        ("Participant", _link_to(Participant, record.participant_public_id)),
                        ("Application", _link_to(Application, application) if application else None),
                        ("Made", record.created_at),
                        ("Due", record.due_at),
                        ("Attempts", record.attempts),
                        ("Sent", record.sent_at),
                        ("GOV.UK Notify ID", record.notify_id),
                    ],
                ),
                Facts("What it says", sorted(record.personalisation.items())),
            ],
        )


def _link_to(model: Any, public_id: Any) -> str:
    return link(model(public_id=public_id))


def _roles() -> Conditions:
    return [(each.name, each.name, Q(groups=each)) for each in Group.objects.order_by("name")]


class StaffAdmin(UserAdmin):
    """Staff accounts. Whoever manages access makes accounts and gives roles, never powers beyond the roles.

    Only a superuser touches a superuser, or gives single permissions; nobody else changes their own account.
    """

    RESERVED = ("is_superuser", "user_permissions")
    filter_horizontal = ()
    list_filter = (
        by_truth("is_active", "active"),
        choice(
            "role", "role", lambda: [(each.name, each.name, Q(groups=each)) for each in Group.objects.order_by("name")]
        ),
    )
    actions = None

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        # Django's own widget of two lists needs a mouse and fails screen readers; there are six roles.
        if db_field.name == "groups":
            options["widget"] = CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **options)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *self.RESERVED, "last_login", "date_joined")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if obj is None or request.user.is_superuser:
            return allowed
        return allowed and not obj.is_superuser and obj.pk != request.user.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # An account is switched off, so that its name stays readable in the audit trail.
        return False


class RoleAdmin(GroupAdmin):
    """Roles, to look at: they are declared in code and made by `sync_staff_roles`."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(User)
admin.site.unregister(Group)
# Its page shows keys; who may reset a second factor does so on the account's page.
admin.site.unregister(TOTPDevice)
admin.site.register(User, StaffAdmin)
admin.site.register(Group, RoleAdmin)
