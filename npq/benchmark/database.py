"""The benchmark's own database, beside the configured one on the same server."""

from django.db import connection

NAME = "npq_benchmark"


def use_benchmark_database(name: str = NAME) -> None:
    """Points this process at the benchmark's database."""
    connection.close()
    connection.settings_dict["NAME"] = name


def create_benchmark_database(name: str = NAME, *, rebuild: bool = False) -> bool:
    """Creates the database if it is missing (or always, with `rebuild`); returns whether it is new."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        exists = cursor.fetchone() is not None
        if exists and rebuild:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        if rebuild or not exists:
            cursor.execute(f'CREATE DATABASE "{name}"')
    return rebuild or not exists
