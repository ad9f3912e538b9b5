"""Signing in: a password, then a code. Nobody is signed in before both were right (docs/decisions/08).

What lies between them is kept in the session, on the server, for five minutes: whose password was right. It opens
nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from npq.backoffice.access_log import name_of_account, record_access, record_lock
from npq.backoffice.access_models import AccessKind
from npq.backoffice.locks import is_address_locked
from npq.backoffice.second_factor import (
    WrongCode,
    check_code,
    code_for_strangers,
    device_of,
    device_to_set_up,
    key_in_words,
    picture_of,
)
from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock

PENDING = "pending_sign_in"
LONGEST_USERNAME = 150  # as Django stores it
SECONDS_FOR_THE_CODE = int(timedelta(minutes=5).total_seconds())
EXPIRED = "More than 5 minutes have passed since you entered your password. Sign in again."


def ask_in_words(form: forms.BaseForm) -> None:
    """Makes a form say which answer is missing: `Enter the username.`"""
    for field in form.fields.values():
        label = str(field.label)
        field.error_messages["required"] = f"Enter the {label[:1].lower()}{label[1:]}."


class PasswordForm(AdminAuthenticationForm):
    """Name and password, in plain words."""

    error_messages = {
        "invalid_login": "The username or password is wrong. Check both and try again.",
        "inactive": "This account has been switched off. Ask an access manager.",
    }

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(request, data, label_suffix="")
        ask_in_words(self)
        if settings.OIDC_CONFIGURED:
            del self.fields["username"].widget.attrs["autofocus"]

    def clean_username(self) -> str:
        """Refuses what is too long to be anybody's name, before it is looked up and counted."""
        username: str = self.cleaned_data["username"]
        if len(username) > LONGEST_USERNAME:
            raise self.get_invalid_login_error()
        return username

    def confirm_login_allowed(self, user: Any) -> None:
        """Only staff may come in. Raises ValidationError for others, in the words of a wrong password."""
        if not user.is_staff:
            record_access(
                AccessKind.SIGN_IN_REFUSED, username=user.username, request=self.request, detail="not a staff account"
            )
            raise self.get_invalid_login_error()
        super().confirm_login_allowed(user)


class CodeForm(forms.Form):
    """Six digits."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        error_messages={"required": "Enter the 6 digits your authenticator app shows."},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "size": "10"}
        ),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")


@dataclass(frozen=True)
class Pending:
    """A sign-in whose password was right."""

    user: User
    backend: str
    next: str


@sensitive_post_parameters("password")
@csrf_protect
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The page that asks for name and password; leads on to the code."""
    if request.method == "GET" and admin.site.has_permission(request):
        return HttpResponseRedirect(_next_of(request))
    form: PasswordForm | None = None
    if settings.NPQ_PASSWORD_SIGN_IN:
        form = PasswordForm(request, request.POST if request.method == "POST" else None)
        if form.is_valid():
            return _password_was_right(request, form.get_user(), _next_of(request))
    elif request.method == "POST":
        raise PermissionDenied
    department = settings.OIDC_CONFIGURED
    return door_page(request, "sign_in.html", "Sign in", form=form, next=_next_of(request), department=department)


def _next_of(request: HttpRequest) -> str:
    """Where to go afterwards: a page of this site, else the first page."""
    asked = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    own = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return asked if own else reverse("admin:index")


def _password_was_right(request: HttpRequest, user: Any, to: str) -> HttpResponse:
    if not settings.NPQ_SECOND_FACTOR:
        login(request, user)
        return HttpResponseRedirect(to)
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": user.pk,
        "backend": user.backend,
        # A password that changes meanwhile ends this too.
        "hash": user.get_session_auth_hash(),
        "until": int(wall_clock().timestamp()) + SECONDS_FOR_THE_CODE,
        "next": to,
    }
    return HttpResponseRedirect(reverse("admin:sign_in_code" if device_of(user) else "admin:second_factor"))


def _pending_of(request: HttpRequest) -> Pending | None:
    kept = request.session.get(PENDING)
    if kept is None or kept["until"] <= wall_clock().timestamp():
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True, is_staff=True).first()
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    return Pending(user, kept["backend"], kept["next"])


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The page that asks for the code of the authenticator; signs in."""
    pending = _pending_of(request)
    if pending is None:
        return _begin_again(request)
    device = device_of(pending.user)
    if device is None:
        return HttpResponseRedirect(reverse("admin:second_factor"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _code_was_right(request, form, pending, device):
        return _signed_in(request, pending)
    return door_page(request, "sign_in_code.html", "Enter your code", form=form, stranger=code_for_strangers(device))


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
def second_factor(request: HttpRequest) -> HttpResponse:
    """The page on which somebody without an authenticator sets one up, before they are signed in."""
    pending = _pending_of(request)
    if pending is None:
        return _begin_again(request)
    if device_of(pending.user) is not None:
        return HttpResponseRedirect(reverse("admin:sign_in_code"))
    device = device_to_set_up(pending.user, request.session[PENDING].get("device"))
    request.session[PENDING] = {**request.session[PENDING], "device": device.pk}
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _code_was_right(request, form, pending, device):
        record_access(AccessKind.SECOND_FACTOR_SET_UP, username=pending.user.username, request=request)
        return _signed_in(request, pending)
    return door_page(
        request,
        "second_factor.html",
        "Set up your second factor",
        form=form,
        key=key_in_words(device),
        picture=picture_of(device),
        stranger=code_for_strangers(device),
    )


def _code_was_right(request: HttpRequest, form: CodeForm, pending: Pending, device: Any) -> bool:
    try:
        check_code(device, form.cleaned_data["code"])
    except WrongCode as refusal:
        form.add_error("code", str(refusal))
        record_access(AccessKind.SIGN_IN_REFUSED, username=pending.user.username, request=request, detail="wrong code")
        return False
    return True


def _signed_in(request: HttpRequest, pending: Pending) -> HttpResponse:
    del request.session[PENDING]
    login(request, pending.user, backend=pending.backend)
    return HttpResponseRedirect(pending.next)


def _begin_again(request: HttpRequest) -> HttpResponse:
    if request.session.pop(PENDING, None) is not None:
        messages.info(request, EXPIRED)
    return HttpResponseRedirect(reverse("admin:login"))


def is_no_password(request: HttpRequest, credentials: Any = None) -> bool:
    """Whether a sign-in came without a username: the department's sign-in, which is not counted here.

    A whole office shares an address; colleagues whom it turns away must not lock out the others.
    """
    return (credentials or {}).get("username") is None


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """What somebody sees who has entered too many wrong passwords: what happened and what to do."""
    whole_address = is_address_locked(request)
    if whole_address:
        record_lock(request, "", "many usernames were tried from this address")
    else:
        record_lock(request, name_of_account(str((credentials or {}).get("username", ""))))
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    return door_page(
        request, "locked_out.html", "Sign-in is locked", status=429, minutes=minutes, whole_address=whole_address
    )


def door_page(request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any) -> HttpResponse:
    whole = {**admin.site.each_context(request), "title": title, **context}
    return render(request, f"backoffice/{template}", whole, status=status)


class SetPassword(PasswordResetConfirmView):
    """The page behind a link to set a password; it works once, and signs nobody in."""

    template_name = "backoffice/set_password.html"
    success_url = reverse_lazy("admin:login")

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        whole = super().get_context_data(**context)
        return {**admin.site.each_context(self.request), **whole, "title": "Set your password"}

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.user
        by = Actor.staff(user.get_full_name() or user.username, identifier=str(user.pk))
        with acting_as(by, "set_password"):
            # Two who open one link at the same time: the second one comes too late.
            if User.objects.select_for_update().get(pk=user.pk).password != user.password:
                return self.render_to_response({**self.get_context_data(), "validlink": False})
            response = super().form_valid(form)
        messages.success(self.request, "Your password has been set. Sign in with it.")
        return response


class OwnPasswordForm(PasswordChangeForm):
    """The password there is, and a new one twice."""

    error_messages = {
        "password_incorrect": "Your current password is wrong. Enter it again.",
        "password_mismatch": "The two new passwords differ. Enter the same one twice.",
    }

    def __init__(self, user: Any, data: Any = None, **rest: Any) -> None:
        super().__init__(user, data, **{**rest, "label_suffix": ""})
        self.fields["old_password"].label = "Current password"
        self.fields["new_password2"].label = "New password again"
        self.fields["new_password2"].help_text = ""
        ask_in_words(self)


class ChangePassword(PasswordChangeView):
    """The page on which somebody changes their own password; their other sessions end."""

    form_class = OwnPasswordForm
    template_name = "backoffice/change_password.html"
    success_url = reverse_lazy("admin:index")

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        whole = super().get_context_data(**context)
        return {**admin.site.each_context(self.request), **whole, "title": "Change your password"}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        messages.success(self.request, "Your password has been changed.")
        return response
