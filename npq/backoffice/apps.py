"""The admin of the service in place of Django's own, and the back office's own tables."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class AdminSiteConfig(AdminConfig):
    """Registers the pages on our own site."""

    default_site = "npq.backoffice.site.BackOfficeSite"

    def ready(self) -> None:
        super().ready()
        apps.get_app_config("auth").verbose_name = "Staff"
        # By name, because these need the models that exist from here on.
        modules = (
            "core_admin",
            "reference_admin",
            "access_admin",
            "staff_admin",
            "token_admin",
            "provider_admin",
            "refused_admin",
        )
        for name in modules:
            import_module(f"npq.backoffice.{name}")


class BackOfficeConfig(AppConfig):
    """Keeps the staff roles as they are declared, and the access log."""

    name = "npq.backoffice"
    verbose_name = "Back office"

    def ready(self) -> None:
        # This app comes last of those with models, so every permission it hands out exists by then.
        post_migrate.connect(_sync_roles, sender=self)
        import_module("npq.backoffice.access_log").listen()


def _sync_roles(**_: Any) -> None:
    import_module("npq.backoffice.roles").sync_staff_roles()
