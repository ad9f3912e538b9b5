"""The app that holds the commands which wire the others together. It has no models."""

from django.apps import AppConfig


class NpqConfig(AppConfig):
    name = "npq"
    label = "npq"
    verbose_name = "NPQ service"
