from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.facts import FactSet
from chalicelib.core.policy import Condition, Profile
from chalicelib.policy.conditions import compile_condition, once_per_profile
from chalicelib.policy.operators import OPERATORS
from chalicelib.policy.scope import Scope
from tests.oracle.conditions import truth
from tests.scoring.examples import NOW, SUBJECT, conditions

WORDS = {True: "yes", False: "no", None: "unknown"}


def holds(condition, account=None, **attributes):
    attributes["account"] = account or {}
    profile = Profile(SUBJECT, NOW, attributes, {}, (), FactSet())
    return compile_condition(condition).holds(profile)


@pytest.mark.parametrize(
    ("test", "value", "verdict"),
    [
        ({"equals": "Iran"}, "iran ", True),
        ({"equals": "ایران"}, "ايران", True),
        ({"equals": "Iran"}, "Iraq", False),
        ({"equals": 5}, 5.0, True),
        ({"equals": 1}, True, False),
        ({"equals": True}, True, True),
        ({"equals": True}, 1, False),
        ({"in": ["retail", "banking"]}, "BANKING", True),
        ({"in": [1, 2]}, 3, False),
        ({"at_least": 20}, 20, True),
        ({"at_least": 20}, 19.9, False),
        ({"at_most": 20}, 20, True),
        ({"at_most": 20}, 21, False),
        ({"between": [5, 10]}, 10, True),
        ({"between": [5, 10]}, 11, False),
        ({"at_least": 5, "at_most": 10}, 11, False),
        ({"at_least": 20}, "many", None),
        ({"at_least": 0}, True, None),
        ({"contains": "فروش"}, "مدير فروش", True),
        ({"contains": ["shoes", "bags"]}, "Handbags", True),
        ({"contains": "x"}, 5, None),
        ({"has_word": "cto"}, "Director", False),
        ({"has_word": ["cto", "ceo"]}, "CEO/Founder", True),
        ({"has_word": "vice president"}, "Vice  President, Sales", True),
        ({"has_word": "مدیرعامل"}, "مدیر‌عامل شرکت", True),
        ({"has_word": "مدیر"}, "مدیریت", False),
        ({"matches": "^c.o$"}, "CFO", True),
        ({"matches": "@gmail\\."}, "a@gmail.com", True),
        ({"present": True}, "x", True),
        ({"present": False}, "x", False),
        ({"missing": True}, "x", False),
    ],
)
def test_operators(test, value, verdict):
    assert holds({"attribute": "it", **test}, it=value) is verdict


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", sorted(set(OPERATORS) - {"present", "missing"}))
def test_of_a_missing_attribute_nothing_is_known(name, value):
    operand = {"between": [0, 1], "in": ["x"]}.get(name, 1 if name.startswith("at") else "x")
    assert holds({"attribute": "it", name: operand}, it=value) is None
    assert holds({"attribute": "it", name: operand}) is None


def test_presence_is_always_known():
    assert holds({"attribute": "it", "present": True}) is False
    assert holds({"attribute": "it", "missing": True}, it="") is True


def test_when_missing_settles_what_is_unknown_and_nothing_else():
    rule = {"attribute": "it", "equals": "x", "when_missing": True}
    assert holds(rule) is True
    assert holds(rule, it="y") is False


def test_attributes_of_the_account_have_a_prefix():
    rule = {"attribute": "account.employees", "at_least": 100}
    assert holds(rule, account={"employees": 100}) is True
    assert holds(rule, employees=100) is None


YES, NO = {"attribute": "it", "equals": "x"}, {"attribute": "it", "equals": "y"}
UNKNOWN = {"attribute": "other", "equals": "x"}


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ({"all": [YES, YES]}, True),
        ({"all": [YES, UNKNOWN]}, None),
        ({"all": [UNKNOWN, NO]}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [UNKNOWN, YES]}, True),
        ({"any": [UNKNOWN, NO]}, None),
        ({"any": [NO, NO]}, False),
        ({"not": YES}, False),
        ({"not": UNKNOWN}, None),
        ({"all": [YES, UNKNOWN], "when_missing": True}, True),
        ({"not": {"any": [NO, {"all": [YES, UNKNOWN]}]}, "when_missing": False}, False),
    ],
)
def test_three_valued_logic(condition, verdict):
    assert holds(condition, it="x") is verdict


values = st.fixed_dictionaries(
    {},
    optional={
        "job_title": st.sampled_from(["CEO", "مدير عامل", "intern", "", None]),
        "email": st.sampled_from(["b@gmail.com", "a@acme.example"]),
        "phone": st.just("+98"),
        "email_opted_out": st.booleans(),
    },
)
accounts = st.fixed_dictionaries({}, optional={"employees": st.integers(0, 400)})


@given(conditions, values, accounts)
def test_a_condition_is_what_the_naive_reader_takes_it_for(condition, attributes, account):
    flat = attributes | {f"account.{name}": value for name, value in account.items()}
    assert WORDS[holds(condition, account, **attributes)] == truth(condition, flat)


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [("۲۵۰٬۰۰۰", True), ("۱۰ هزار", False), ("۳۰ هزار تومان", True), ("نامعلوم", None), ("", None)],
)
def test_numbers_typed_as_persian_text_count_as_numbers(typed, verdict):
    assert holds({"attribute": "budget", "at_least": 200_000}, budget=typed) is verdict


def test_a_number_typed_as_text_equals_the_number():
    assert holds({"attribute": "budget", "equals": 250_000}, budget="۲۵۰٬۰۰۰") is True
    assert holds({"attribute": "budget", "equals": 250_000}, budget="نامعلوم") is None


@pytest.mark.parametrize("odd", [[], ["a"], {}, {"a": 1}])
@pytest.mark.parametrize("test", [{"equals": 5}, {"in": [1, 2]}, {"equals": "a"}, {"equals": True}])
def test_a_list_or_mapping_is_no_value_to_compare(test, odd):
    assert holds({"attribute": "it", **test}, it=odd) is None


@pytest.mark.parametrize("endless", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_finite_number_is_missing(endless):
    assert holds({"attribute": "it", "at_least": 1}, it=endless) is None


@pytest.mark.parametrize("zone", ["Asia/Tehran", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "day", ["9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01", "0001-01-01T00:00:00Z"]
)
@pytest.mark.parametrize("test", ["in_next_days", "in_last_days", "longer_ago_days"])
def test_days_at_either_end_of_time_are_days_or_missing(test, day, zone):
    scope = Scope(ZoneInfo(zone), "jalali", "IRR")
    profile = Profile(SUBJECT, NOW, {"it": day}, {}, (), FactSet())
    condition = compile_condition({"attribute": "it", test: 36500}, scope)
    far = condition.holds(profile)
    assert far is None or far is (day[0] == "0" and test == "longer_ago_days")
    assert condition.changes_at(profile) is None or condition.changes_at(profile) > NOW


def test_only_the_beginning_of_a_long_text_is_held_against_a_pattern():
    assert holds({"attribute": "it", "matches": "end$"}, it="x" * 600 + "end") is False
    assert holds({"attribute": "it", "has_word": "end"}, it="x " * 600 + "end") is True


@pytest.mark.parametrize(("day", "verdict"), [("2026-03-06", True), ("2026-03-07", False)])
def test_fifteen_days_are_more_than_fourteen_and_a_half(day, verdict):
    now = datetime(2026, 3, 21, 9, tzinfo=UTC)
    profile = Profile(SUBJECT, now, {"it": day}, {}, (), FactSet())
    condition = compile_condition({"attribute": "it", "longer_ago_days": 14.5})
    assert condition.holds(profile) is verdict
    if not verdict:
        assert condition.changes_at(profile) == datetime(2026, 3, 22, tzinfo=UTC)


def test_of_a_segment_that_many_name_each_profile_is_asked_once():
    asked = []
    segment = once_per_profile(Condition(lambda profile: asked.append(profile) or True))
    one, other = (Profile(SUBJECT, NOW, {}, {}, (), FactSet()) for _ in range(2))
    assert [segment.holds(profile) for profile in (one, one, other, other, one)] == [True] * 5
    assert asked == [one, other, one]
