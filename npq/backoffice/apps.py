"""The admin of the service in place of Django's own."""

from importlib import import_module
from typing import Any

from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class BackOfficeConfig(AdminConfig):
    """Registers the pages, and keeps the staff roles as they are declared."""

    default_site = "npq.backoffice.site.BackOfficeSite"

    def ready(self) -> None:
        super().ready()
        # By name, because these need the models that exist from here on.
        import_module("npq.backoffice.core_admin")
        # This app comes last of those with models, so every permission it hands out exists by then.
        post_migrate.connect(_sync_roles, sender=self)


def _sync_roles(**_: Any) -> None:
    import_module("npq.backoffice.roles").sync_staff_roles()
