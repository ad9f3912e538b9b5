"""Staff accounts, for access managers: who there is, what they may do, and how they are helped back in.

Every write goes through `npq.backoffice.accounts`; a page that is refused says why and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.html import format_html
from django.utils.text import capfirst
from django_otp.plugins.otp_totp.models import TOTPDevice

from npq.backoffice.access_models import AccessEvent
from npq.backoffice.access_words import detail_in_words
from npq.backoffice.accounts import (
    change_staff_account,
    create_staff_account,
    make_password_link,
    reset_second_factor,
    unlink_identity,
    unlock_account,
)
from npq.backoffice.columns import in_words
from npq.backoffice.corrections import LONGEST_REASON, staff_actor
from npq.backoffice.filters import Conditions, OfferedFilters, by_truth, choice
from npq.backoffice.help import roles_in_words
from npq.backoffice.inspecting import BoundedPaginator
from npq.backoffice.pages import Facts, Table, shown
from npq.backoffice.sign_in import ask_in_words
from npq.core.audit import Actor
from npq.core.errors import Problem, Refused
from npq.core.texts import is_readable

MOST_EVENTS = 20


class AccountForm(forms.Form):
    """What an account says of its holder, and what they may do."""

    email = forms.EmailField(
        label="Email address", help_text="Their work address: the department's sign-in finds the account by it."
    )
    first_name = forms.CharField(label="First name", max_length=150)
    last_name = forms.CharField(label="Last name", max_length=150)
    roles = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), label="Roles", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any = None, *, by: Any, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, label_suffix="", initial=initial)
        ask_in_words(self)
        if by.is_superuser:
            self.fields["superuser"] = forms.BooleanField(
                label="Superuser", required=False, help_text="May do everything, whatever the roles say."
            )


class NewAccountForm(AccountForm):
    """The same, and the name by which they sign in."""

    username = forms.CharField(
        label="Username",
        max_length=150,
        # A name of dots alone would be no address of a page.
        validators=[UnicodeUsernameValidator(), RegexValidator(r"\w", "Enter a username with a letter or a digit.")],
        help_text="The name to sign in with. It cannot be changed later.",
    )
    field_order = ("username",)


class ChangeForm(AccountForm):
    """The same, and whether they may sign in at all."""

    is_active = forms.BooleanField(
        label="May sign in", required=False, help_text="Without this the account is switched off and signed out."
    )


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Say how you made sure who asked for it. It is kept in the access log.",
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        ask_in_words(self)


@dataclass(frozen=True)
class Help:
    """A way to help somebody back in: asked for with a reason, done by one service, whose answer is shown.

    `offered` says on whose page it stands.
    """

    title: str
    explains: str
    run: Callable[[User, Actor, HttpRequest], str]
    offered: Callable[[User], bool] = lambda _: True


def _link(user: User, by: Actor, request: HttpRequest) -> str:
    return request.build_absolute_uri(make_password_link(user=user, by=by))


def _reset(user: User, by: Actor, request: HttpRequest) -> str:
    reset_second_factor(user=user, by=by)
    return ""


def _unlock(user: User, by: Actor, request: HttpRequest) -> str:
    unlock_account(user=user, by=by)
    return ""


def _unlink(user: User, by: Actor, request: HttpRequest) -> str:
    unlink_identity(user=user, by=by)
    return ""


HELPS = {
    "password-link": Help(
        "Make a link to set a password",
        "The link works once and for 24 hours. Give it to them and nobody else: whoever opens it sets the password.",
        _link,
    ),
    "reset-second-factor": Help(
        "Reset the second factor",
        "Their authenticator is forgotten and they are signed out everywhere. They set up a new one when they next "
        "sign in with their password.",
        _reset,
    ),
    "remove-lock": Help(
        "Remove the lock",
        "The wrong passwords and codes that were entered for this account are forgotten, so that they can try again.",
        _unlock,
    ),
    "unlink": Help(
        "Unlink the department's sign-in",
        "For somebody who has a new identity there, for example after leaving and coming back. They are signed out "
        "everywhere. The next person who signs in there with the email address of this account gets it.",
        _unlink,
        offered=lambda user: hasattr(user, "identity"),
    ),
}


class AccountList(ChangeList):
    """A list whose links name accounts by their usernames."""

    def url_for_result(self, result: Any) -> str:
        return address_of_account(result)


def address_of_account(user: User) -> str:
    """Where an account's page is."""
    return reverse("admin:auth_user_change", args=[user.username])


def _roles() -> Conditions:
    named = [(each.name, each.name, Q(groups=each)) for each in Group.objects.order_by("name")]
    return [*named, ("superuser", "superuser", Q(is_superuser=True))]


may_sign_in = in_words("is_active", "may sign in")
last_login = in_words("last_login", "last signed in")


class StaffAdmin(OfferedFilters):
    """Staff accounts. Whoever manages access makes accounts and gives roles, never powers beyond the roles.

    Only a superuser touches a superuser; nobody else changes their own account.
    """

    list_display = ("username", "full_name", "email", "roles", may_sign_in, "second_factor", last_login)
    list_filter = (choice("role", "role", _roles), by_truth("active", "may sign in", "is_active"))
    search_fields = ("username",)
    search_help_text = "The start of a username, name or email address"
    ordering = ("username",)
    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    actions = None

    # The list -------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups", "totpdevice_set")

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return AccountList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the start of a username, a name or an email address."""
        term = search_term.strip()
        starts = [Q(**{f"{name}__istartswith": term}) for name in ("username", "first_name", "last_name", "email")]
        return queryset.filter(starts[0] | starts[1] | starts[2] | starts[3]) if term else queryset, False

    @admin.display(description="name")
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        """Roles by name, and whether they may do everything."""
        names = sorted(group.name for group in user.groups.all())
        return ", ".join(["superuser", *names] if user.is_superuser else names)

    @admin.display(description="second factor")
    def second_factor(self, user: Any) -> str:
        """Whether an authenticator has been set up."""
        return "set up" if any(device.confirmed for device in user.totpdevice_set.all()) else "not set up"

    # Who may --------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if obj is None or request.user.is_superuser:
            return allowed
        return allowed and not obj.is_superuser and obj.pk != request.user.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # An account is switched off, so that its name stays readable in the audit trail.
        return False

    # The pages ------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="auth_user_changelist"),
            path("add/", view(self.add_account), name="auth_user_add"),
            path("account/<str:username>/", view(self.account_page), name="auth_user_change"),
            path("account/<str:username>/edit/", view(self.edit_account), name="auth_user_edit"),
            path("account/<str:username>/<slug:name>/", view(self.help_account), name="auth_user_help"),
        ]

    def account_page(self, request: HttpRequest, username: str) -> HttpResponse:
        """One account: what it may do, how it signs in, and what happened to it lately."""
        user = self._found(request, username)
        events = AccessEvent.objects.filter(username=user.username).order_by("-id")[:MOST_EVENTS]
        context = {
            "account": user,
            "may_change": self.has_change_permission(request, user),
            "helps": [
                (each, reverse("admin:auth_user_help", args=[username, name]))
                for name, each in HELPS.items()
                if each.offered(user)
            ],
            "log": f"{reverse('admin:backoffice_accessevent_changelist')}?{urlencode({'q': username})}",
            "sections": [
                Facts("Account", self._facts(user)),
                Table(
                    "What happened lately",
                    ["When", "What happened", "Done by", "Detail", "Reason"],
                    [
                        [
                            format_html("{}", shown(e.created_at)),
                            e.get_kind_display(),
                            e.by,
                            detail_in_words(e),
                            e.reason,
                        ]
                        for e in events
                    ],
                    "Nothing has been recorded.",
                ),
            ],
        }
        return self._page(request, "account.html", user.username, context)

    def _facts(self, user: User) -> list[tuple[str, Any]]:
        return [
            ("Username", user.username),
            ("Name", user.get_full_name()),
            ("Email address", user.email),
            ("Roles", self.roles(user)),
            ("May sign in", user.is_active and user.is_staff),
            ("Password", "set" if user.has_usable_password() else "not set"),
            ("Second factor", self.second_factor(user)),
            ("Department sign-in", "linked" if hasattr(user, "identity") else "not linked"),
            ("Made", user.date_joined),
            ("Last signed in", user.last_login),
        ]

    def add_account(self, request: HttpRequest) -> HttpResponse:
        """Asks who the new colleague is; makes the account and shows the link to set a password."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        by = staff_actor(request)
        form = NewAccountForm(request.POST if request.method == "POST" else None, by=request.user)
        if form.is_valid():
            try:
                user = create_staff_account(**form.cleaned_data, by=by)
            except Refused as refusal:
                form.add_error(refusal.title if refusal.title in form.fields else None, refusal.sentence)
            else:
                messages.success(request, f"The account {user.username} has been made.")
                return self._shown_once(request, user, _link(user, by, request) if _passwords_are_used() else "")
        return self._page(request, "account_form.html", "Add a staff account", {"form": form})

    def edit_account(self, request: HttpRequest, username: str) -> HttpResponse:
        """Asks what is to be different about an account."""
        user = self._found(request, username, to_change=True)
        initial = {
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "roles": user.groups.all(),
            "superuser": user.is_superuser,
            "is_active": user.is_active,
        }
        form = ChangeForm(request.POST if request.method == "POST" else None, by=request.user, initial=initial)
        if form.is_valid():
            try:
                change_staff_account(user=user, **form.cleaned_data, by=staff_actor(request))
            except Refused as refusal:
                form.add_error(refusal.title if refusal.title in form.fields else None, refusal.sentence)
            else:
                messages.success(request, f"The account {user.username} has been changed.")
                return HttpResponseRedirect(address_of_account(user))
        return self._page(request, "account_form.html", f"Change {user.username}", {"form": form, "account": user})

    def help_account(self, request: HttpRequest, username: str, name: str) -> HttpResponse:
        """Asks for the reason, and does one of HELPS."""
        user = self._found(request, username, to_change=True)
        if name not in HELPS:
            raise Http404
        wanted = HELPS[name]
        form = ReasonForm(request.POST if request.method == "POST" else None)
        problems: list[Problem] = []
        if form.is_valid():
            try:
                answer = wanted.run(user, staff_actor(request, form.cleaned_data["reason"]), request)
            except Refused as refusal:
                problems = refusal.problems
            else:
                if answer:
                    return self._shown_once(request, user, answer)
                messages.success(request, f"{wanted.title}: done.")
                return HttpResponseRedirect(address_of_account(user))
        context = {
            "form": form,
            "account": user,
            "explains": wanted.explains,
            "problems": problems,
            "does": wanted.title,
        }
        return self._page(request, "account_form.html", f"{wanted.title}: {user.username}", context)

    def _found(self, request: HttpRequest, username: str, *, to_change: bool = False) -> User:
        """The account of a page; 403 for whoever may not see or change it, 404 where there is none."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        user = self.get_queryset(request).filter(username=username).first() if is_readable(username) else None
        if user is None:
            raise Http404
        if to_change and not self.has_change_permission(request, user):
            raise PermissionDenied
        return user

    def _shown_once(self, request: HttpRequest, user: User, address: str) -> HttpResponse:
        title = f"Link to set a password: {user.username}" if address else user.username
        return self._page(request, "password_link.html", title, {"account": user, "link": address})

    def _page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.model._meta, "title": title, **context}
        return render(request, f"backoffice/{template}", whole)


def _may(group: Group) -> list[tuple[str, Any]]:
    role = next((each for each in roles_in_words() if each.name == group.name), None)
    if role is None:
        return [("Permissions", ", ".join(each.name for each in group.permissions.order_by("name")) or "none")]
    return [
        ("Looks at", ", ".join(role.sees)),
        *((record, ", ".join(titles)) for record, titles in role.corrects),
        ("In bulk", ", ".join(role.in_bulk) or "nothing"),
        ("Tasks", ", ".join(role.pages) or "none"),
    ]


def _passwords_are_used() -> bool:
    return settings.NPQ_PASSWORD_SIGN_IN


class RoleAdmin(OfferedFilters, GroupAdmin):
    """Roles, to look at: they are declared in code and made by `sync_staff_roles`."""

    actions = None
    search_fields = ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What a role may see and do, in the words of the help; of a group that is no role, its permissions."""
        if request.method == "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        group = self.get_object(request, object_id)
        if group is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": capfirst(group.name),
            "opts": self.model._meta,
            "sections": [Facts("What it may see and do", _may(group))],
        }
        return render(request, "backoffice/role.html", context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# What these are to staff; what Django calls them is of no use on a page.
User._meta.verbose_name, User._meta.verbose_name_plural = "staff account", "staff accounts"
Group._meta.verbose_name, Group._meta.verbose_name_plural = "role", "roles"
admin.site.unregister(User)
admin.site.unregister(Group)
# Its page shows keys; who may reset a second factor does so on the account's page.
admin.site.unregister(TOTPDevice)
admin.site.register(User, StaffAdmin)
admin.site.register(Group, RoleAdmin)
