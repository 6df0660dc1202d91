"""Conditions that nobody can ever meet are named, those that somebody can meet are not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.policy import PolicyInvalid, validate
from chalicelib.policy.operators import OPERATORS
from tests.scoring.examples import starter

RULE = "/lead/groups/0/rules/0/when"


def problems(node):
    page = starter()
    page["attributes"]["born"] = {"type": "date", "of": "contact", "hubspot": "date_of_birth"}
    page["lead"]["groups"][0]["rules"][0]["when"] = node
    try:
        validate(page)
    except PolicyInvalid as error:
        return [(one.pointer.removeprefix(RULE), one.message) for one in error.problems]
    return []


EMPLOYEES = "account.employees"

IMPOSSIBLE = {
    "a range upside down": (
        {"attribute": EMPLOYEES, "between": [10, 5]},
        "/between",
        "write the lower number first: between [5, 10]",
    ),
    "bounds that leave nothing": (
        {"attribute": EMPLOYEES, "at_least": 20, "at_most": 10},
        "/at_most",
        "no account.employees is at_least 20 and at_most 10",
    ),
    "bounds in several parts": (
        {
            "all": [
                {"attribute": EMPLOYEES, "at_least": 200},
                {"all": [{"attribute": EMPLOYEES, "between": [5, 50]}]},
            ]
        },
        "/all/1/all/0/between",
        "at_least 200 and between [5, 50]",
    ),
    "a bound and its denial": (
        {
            "all": [
                {"attribute": EMPLOYEES, "at_least": 200},
                {"not": {"attribute": EMPLOYEES, "at_least": 100}},
            ]
        },
        "/all/1/not/at_least",
        "at_least 200 and not at_least 100",
    ),
    "a value out of range": (
        {"attribute": EMPLOYEES, "equals": 5, "at_least": 10},
        "/equals",
        "at_least 10 and equals 5",
    ),
    "two values at once": (
        {
            "all": [
                {"attribute": "country", "equals": "Iran"},
                {"attribute": "country", "in": ["Germany", "Turkey"]},
            ]
        },
        "/all/1/in",
        "equals Iran and in [Germany, Turkey]",
    ),
    "a value that is denied": (
        {
            "all": [
                {"attribute": "country", "equals": "Iran"},
                {"not": {"attribute": "country", "in": ["IRAN"]}},
            ]
        },
        "/all/1/not/in",
        "equals Iran and not in [IRAN]",
    ),
    "a value that the pattern forbids": (
        {"attribute": "job_title", "equals": "Founder", "matches": "^chief"},
        "/matches",
        "equals Founder and matches ^chief",
    ),
    "there and not there": (
        {"attribute": "phone", "present": True, "missing": True},
        "/present",
        "no phone is",
    ),
    "a value of what is not there": (
        {"attribute": "phone", "missing": True, "contains": "021"},
        "/missing",
        "contains 021 and missing",
    ),
    "less than nothing": (
        {"count": "email.opened", "within_days": 30, "at_most": -1},
        "/at_most",
        "is never below 0",
    ),
    "a count between nothing": (
        {"count": "email.opened", "at_least": 5, "at_most": 2},
        "/at_most",
        "no count of email.opened is at_least 5 and at_most 2",
    ),
    "windows that shut each other out": (
        {
            "all": [
                {"last": "purchase", "within_days": 30},
                {"last": "purchase", "longer_ago_days": 60},
            ]
        },
        "/all/0/within_days",
        "the last time within 30 days, and the last one longer ago than 60",
    ),
    "a first time after the last": (
        {
            "all": [
                {"first": "purchase", "within_days": 30},
                {"last": "purchase", "longer_ago_days": 30},
            ]
        },
        "/all/0/within_days",
        "the first time within 30 days",
    ),
    "days of the calendar": (
        {"attribute": "born", "before": "2000-01-01", "on_or_after": "2010-01-01"},
        "/on_or_after",
        "before 2000-01-01 and on_or_after 2010-01-01",
    ),
    "days from today": (
        {"attribute": "born", "in_last_days": 7, "longer_ago_days": 30},
        "/longer_ago_days",
        "in_last_days 7 and longer_ago_days 30",
    ),
    "something and its opposite": (
        {
            "all": [
                {"last": "purchase", "within_days": 30},
                {"not": {"last": "purchase", "within_days": 30}},
            ]
        },
        "/all/1/not",
        "the opposite is asked for beside it",
    ),
    "deep inside": (
        {
            "any": [
                {"attribute": "phone", "present": True},
                {"not": {"attribute": EMPLOYEES, "between": [9, 1]}},
            ]
        },
        "/any/1/not/between",
        "write the lower number first",
    ),
    "in what happened": (
        {
            "count": "page.viewed",
            "at_least": 1,
            "where": {"seconds": {"at_least": 60, "at_most": 5}},
        },
        "/where/seconds/at_most",
        "at_least 60 and at_most 5",
    ),
}


@pytest.mark.parametrize(("node", "place", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_nobody_can_meet_is_named_once(node, place, words):
    ((pointer, message),) = problems(node)
    assert pointer == place
    assert words in message


POSSIBLE = [
    {"attribute": EMPLOYEES, "at_least": 20, "at_most": 20},
    {
        "all": [
            {"attribute": EMPLOYEES, "at_least": 20},
            {"not": {"attribute": EMPLOYEES, "at_least": 200}},
        ]
    },
    {"any": [{"attribute": EMPLOYEES, "at_least": 200}, {"attribute": EMPLOYEES, "at_most": 10}]},
    {"attribute": "country", "in": ["Iran", "Germany"], "contains": "ira"},
    {"attribute": "job_title", "present": True, "has_word": "ceo"},
    {"all": [{"count": "email.opened", "at_least": 5}, {"count": "email.clicked", "at_most": 2}]},
    {
        "all": [
            {"count": "page.viewed", "within_days": 90, "at_least": 5},
            {"count": "page.viewed", "within_days": 30, "at_most": 2},
        ]
    },
    {
        "all": [
            {"first": "purchase", "longer_ago_days": 60},
            {"last": "purchase", "within_days": 30},
        ]
    },
    {"attribute": "born", "before": "2010-01-01", "on_or_after": "2000-01-01"},
    {"not": {"attribute": "phone", "missing": True}},
]


@pytest.mark.parametrize("node", POSSIBLE)
def test_what_somebody_can_meet_is_left_alone(node):
    assert problems(node) == []


def test_an_action_below_one_that_fits_all_is_never_taken():
    page = starter()
    page["actions"].insert(0, {"id": "all_of_them", "when": {}, "text": {"en": "x", "fa": "y"}})
    with pytest.raises(
        PolicyInvalid, match=r"never taken is win_back, rescue, .*: all_of_them above"
    ):
        validate(page)


def test_an_action_with_another_member_is_still_taken():
    page = starter()
    campaign = {"en": "x", "fa": "y"}
    page["actions"].append({"id": "mail", "when": {"class": ["C"]}, "campaign": campaign})
    validate(page)


numbers = st.integers(-5, 5)
parts = st.lists(
    st.tuples(st.sampled_from(["at_least", "at_most", "equals"]), numbers, st.booleans())
    | st.tuples(
        st.just("between"), st.tuples(numbers, numbers).map(lambda two: [*two]), st.booleans()
    ),
    min_size=1,
    max_size=4,
)


@given(parts)
def test_numbers_are_called_impossible_only_if_none_fits(found):
    """Against trying whole and half numbers, of which one would fit."""
    assume(all(name != "between" or operand[0] <= operand[1] for name, operand, _ in found))
    nodes = [{"attribute": EMPLOYEES, name: operand} for name, operand, _ in found]
    node = {
        "all": [
            {"not": one} if denied else one
            for one, (_, _, denied) in zip(nodes, found, strict=True)
        ]
    }
    tests = [(OPERATORS[name].compile(operand), denied) for name, operand, denied in found]
    fits = any(
        all((test(half / 2) is True) is not denied for test, denied in tests)
        for half in range(-13, 14)
    )
    if fits:
        assert problems(node) == []
