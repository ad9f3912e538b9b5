"""A day is typed as people write it, and what is no day is said to be none, never taken for an empty answer."""

from datetime import date

import pytest
from django import forms

from npq.backoffice.catalogue.fields import DayField


class DayForm(forms.Form):
    day = DayField("On which day", required=False, help_text="Leave it empty for now.", initial=date(2027, 2, 1))


@pytest.mark.parametrize(
    "typed",
    ["1/2/2027", "01/02/2027", "1 2 2027", "1.2.2027", "1-2-2027", "1 February 2027", "1 Feb 2027", "2027-02-01"],
)
def test_a_day_as_people_write_it(typed: str) -> None:
    form = DayForm({"day": typed})

    assert form.is_valid()
    assert form.cleaned_data["day"] == date(2027, 2, 1)


@pytest.mark.parametrize("typed", ["1/2", "1/2/27", "31/2/2027", "2/13/2027", "tomorrow"])
def test_what_is_no_day_is_refused(typed: str) -> None:
    form = DayForm({"day": typed})

    assert form.errors["day"] == ["Enter a day that exists, such as 27/9/2026."]
    assert f'value="{typed}"' in str(form["day"])


def test_a_browser_posts_whatever_was_typed_and_shows_days_the_uk_way() -> None:
    field = DayForm()["day"]

    assert 'type="text"' in str(field)
    assert 'value="01/02/2027"' in str(field)
    assert field.help_text == "Leave it empty for now. For example, 27/9/2026."
