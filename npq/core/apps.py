from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "npq.core"
    label = "core"
    verbose_name = "Reference data, access and messages"
    default_auto_field = "django.db.models.BigAutoField"
