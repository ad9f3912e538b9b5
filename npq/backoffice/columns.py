"""Columns that several lists have."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin

from npq.backoffice.pages import shown


@admin.display(description="course")
def course(record: Any) -> str:
    """The course by its title alone: with the identifier beside it, a row would be six lines high."""
    name: str = record.course.name
    return name


def in_words(attribute: str, heading: str) -> Callable[[Any], Any]:
    """A column in the words of the pages: yes or no instead of a picture, times as everywhere else."""

    @admin.display(description=heading)
    def column(record: Any) -> Any:
        return shown(getattr(record, attribute))

    column.__name__ = attribute
    return column
