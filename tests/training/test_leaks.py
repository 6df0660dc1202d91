"""Fields that the outcome filled."""

from random import Random

import pytest

from chalicelib.training.leaks import leaks
from tests.training.examples import cases


def with_field(name, filled):
    """Two hundred cases and a field that is filled where ``filled`` says so."""
    rows, outcomes, _ = cases(200)
    told = [filled(outcome, n) for n, outcome in enumerate(outcomes)]
    return [row | {name: value} for row, value in zip(rows, told, strict=True)], outcomes


def test_honest_fields_are_not_objected_to():
    rows, outcomes, _ = cases(2000)
    assert leaks(rows, outcomes) == []


def test_a_field_that_ranks_by_itself_is_objected_to():
    rows, outcomes = with_field("status", lambda won, n: "won" if won or n % 50 == 0 else "lost")
    (leak,) = leaks(rows, outcomes)
    assert leak.field == "status"
    assert leak.area > 0.95
    assert "status alone tells the outcome" in leak.sentence.en


def test_a_number_that_the_outcome_fills_is_objected_to():
    chance = Random(3)
    rows, outcomes = with_field(
        "invoice", lambda won, _: 9.0 if won and chance.random() < 0.8 else 0.0
    )
    (leak,) = leaks(rows, outcomes)
    assert (leak.field, leak.others) == ("invoice", 0)
    assert leak.did == pytest.approx(0.8, abs=0.1)


def changed_before_the_end(days):
    return [{"invoice": days}] * 200


def test_a_field_that_was_filled_long_before_the_end_is_not():
    rows, outcomes = with_field("invoice", lambda won, n: 9.0 if won and n % 4 else 0.0)
    assert [one.field for one in leaks(rows, outcomes, changed_before_the_end(0.5))] == ["invoice"]
    assert leaks(rows, outcomes, changed_before_the_end(5.0)) == []


def test_a_field_that_few_have_is_objected_to_only_if_it_changed_at_the_end():
    rows, outcomes = with_field("invoice", lambda won, n: 9.0 if won and n % 4 == 0 else None)
    assert leaks(rows, outcomes) == []
    assert [one.field for one in leaks(rows, outcomes, changed_before_the_end(0.0))] == ["invoice"]


@pytest.mark.parametrize("outcome", [True, False])
def test_outcomes_that_are_all_the_same_tell_of_no_leak(outcome):
    rows, _, _ = cases(50)
    assert leaks(rows, [outcome] * 50) == []
    assert leaks([], []) == []
