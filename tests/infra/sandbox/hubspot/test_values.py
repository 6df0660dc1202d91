from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox._serving.instants import epoch_ms, read, spell
from infra.sandbox.hubspot import values
from infra.sandbox.hubspot.values import InvalidValue

INSTANTS = st.floats(0, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(INSTANTS)
def test_an_instant_is_stored_alike_from_milliseconds_and_from_iso(instant: datetime) -> None:
    stored = values.instant(str(epoch_ms(instant)))

    assert stored == values.instant(instant.isoformat()) == spell(instant)
    assert read(stored) == instant - timedelta(microseconds=instant.microsecond % 1000)


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_a_date_is_taken_as_a_day_or_as_its_midnight_in_utc_and_at_no_other_time(day) -> None:
    midnight = epoch_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))

    assert values.day(day.isoformat()) == values.day(str(midnight)) == day.isoformat()
    with pytest.raises(InvalidValue):
        values.day(str(midnight + 3_600_000))


@given(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False)))
def test_every_number_is_taken_as_it_is_spelled(number) -> None:
    assert values.number(str(number)) == str(number)


@pytest.mark.parametrize("value", ["1,000", "1.000.000", "12 ", "abc", "NaN", "", "۱۲", "1e", "."])
def test_what_is_not_a_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue):
        values.number(value)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc"), unique=True))
def test_appending_options_keeps_the_old_ones_and_repeats_none(
    added: list[str], held: list[str]
) -> None:
    stored = values.choices(";" + ";".join(added), "abc", ";".join(held))

    assert [one for one in stored.split(";") if one] == list(dict.fromkeys(held + added))


@pytest.mark.parametrize("value", [" 5", "5\u200b", "\u00a05"])
def test_hidden_space_around_a_value_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue):
        values.refuse_padding(value)
