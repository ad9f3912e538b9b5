"""The access log in words: the trigger that writes it knows permissions by their codenames alone."""

from functools import cache

from django.apps import apps

from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.models import AccessEvent, AccessKind

_ACTIONS = {"add": "add", "change": "change", "delete": "delete", "view": "look at"}


def detail_in_words(event: AccessEvent) -> str:
    """What was changed, taken out or wrong; of a permission that came or went what it allows."""
    if event.kind not in (AccessKind.PERMISSION_GIVEN, AccessKind.PERMISSION_TAKEN):
        return event.detail_in_words
    codename, comma, role = event.detail.partition(", ")
    return f"{_permissions().get(codename, codename.replace('_', ' '))}{comma}{role}"


@cache
def _permissions() -> dict[str, str]:
    """What each permission allows, by codename: `look at participants`, or the correction's title."""
    named = {
        f"{action}_{model._meta.model_name}": f"{words} {model._meta.verbose_name_plural}"
        for model in apps.get_models()
        for action, words in _ACTIONS.items()
    }
    own = {codename: words for model in apps.get_models() for codename, words in model._meta.permissions}
    return named | own | {each.name: each.title for each in CORRECTIONS}
