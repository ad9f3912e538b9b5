"""Columns that several lists have."""

from typing import Any

from django.contrib import admin

from npq.backoffice.catalogue.fields import course_words


@admin.display(description="course")
def course(record: Any) -> str:
    """The course by its title, and the identifier that providers send."""
    return course_words(record.course)
