"""The app that holds the commands which wire the others together. It has no models."""

from importlib import import_module

from django.apps import AppConfig


class NpqConfig(AppConfig):
    name = "npq"
    label = "npq"
    verbose_name = "NPQ service"

    def ready(self) -> None:
        # Registers the checks. By name, because they need the models that exist from here on.
        import_module("npq.api.checks")
