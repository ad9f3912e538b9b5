from importlib import import_module

from django.apps import AppConfig

from npq.core.rehearsal import add_figures


class FinanceConfig(AppConfig):
    name = "finance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Whatever is rehearsed shows what it does to statements. By name, because it needs the models.
        add_figures(import_module("finance.queries.moved").StatementTotals())
