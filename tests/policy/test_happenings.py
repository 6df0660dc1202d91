"""Conditions on what happened, against a naive reader and by example."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.policy.conditions import FORMS, compile_condition
from chalicelib.policy.grammar import FORM_KEYS
from chalicelib.policy.scope import Scope
from chalicelib.scoring.profile import profile_of
from tests.oracle.happenings import naive_verdict
from tests.scoring.examples import (
    NOW,
    SUBJECT,
    activity,
    ago,
    answer,
    bought,
    contact,
    fact_set,
    refunded,
    row,
    ticket,
    won,
)

WORDS = {True: "yes", False: "no", None: "unknown"}
TEHRAN = Scope(ZoneInfo("Asia/Tehran"), "jalali", "IRR")


def profile(rows, now=NOW):
    return profile_of(SUBJECT, fact_set(rows), now)[0]


def verdict(condition, rows, now=NOW, **scope):
    return compile_condition(condition, **scope).holds(profile(rows, now))


def changes_at(condition, rows, now=NOW, **scope):
    return compile_condition(condition, **scope).changes_at(profile(rows, now))


def viewed(path, at):
    data = {"kind": "page.viewed", "count": 1, "path": path}
    return row("activity", f"{path}@{at}", data, at)


def test_every_form_has_its_keys():
    assert FORM_KEYS.keys() == FORMS.keys()


def test_a_thing_is_in_a_rolling_window_for_exactly_its_length():
    rows = [activity("x.webinar", NOW)]
    recently = {"count": "x.webinar", "within_days": 30, "at_least": 1}
    assert verdict(recently, rows, NOW + timedelta(days=30, milliseconds=-1)) is True
    assert verdict(recently, rows, NOW + timedelta(days=30)) is False
    assert changes_at(recently, rows) == NOW + timedelta(days=30)


def test_nothing_happened_is_a_count_of_zero_and_an_unknown_average():
    assert verdict({"count": "purchase", "at_most": 0}, []) is True
    assert verdict({"sum": "purchase", "at_least": 1}, []) is False
    assert verdict({"average": "survey", "of": "value", "at_least": 1}, []) is None
    assert verdict({"ratio": "email.opened", "to": "x.sent", "at_least": 0}, []) is None
    assert verdict({"last": "purchase", "longer_ago_days": 5}, []) is None
    assert verdict({"last": "purchase", "longer_ago_days": 5, "when_missing": True}, []) is True


def test_the_verdict_changes_when_the_one_too_many_leaves_the_window():
    rows = [activity("x.webinar", ago(days=days)) for days in (9, 6, 3)]
    often = {"count": "x.webinar", "within_days": 10, "at_least": 2}
    assert changes_at(often, rows) == ago(days=6) + timedelta(days=10)


@pytest.mark.parametrize("identity", ["A", "A:17", "record:801"])
def test_an_order_is_known_by_its_whole_id(identity):
    rows = [bought(identity, NOW, 5000, category=["tea", "cups"])]
    for kind in ("tea", "cups"):
        asked = {"count": "purchase", "where": {"category": kind}, "at_least": 1}
        assert verdict(asked, rows) is True


def test_purchases_are_net_of_refunds_and_in_major_units():
    rows = [bought("A", ago(days=3), 5_000), refunded("r", "A", ago(days=1), 2_000)]
    assert verdict({"sum": "purchase", "equals": 30}, rows) is True


def test_what_was_paid_in_a_currency_without_a_rate_is_not_summed():
    rows = [bought("A", ago(days=3), 5_000), bought("B", ago(days=2), 9_000, "EUR")]
    assert verdict({"sum": "purchase", "equals": 50}, rows) is True
    assert verdict({"count": "purchase", "equals": 2}, rows) is True


@pytest.mark.parametrize(
    ("where", "verdict_"),
    [
        ({"category": "tea"}, True),
        ({"category": ["tea", "cups"]}, True),
        ({"category": {"contains": "te"}, "amount": {"at_least": 50}}, True),
        ({"category": "cups"}, False),
        ({"colour": "green"}, False),
    ],
)
def test_where_lets_through_what_fits(where, verdict_):
    rows = [bought("A", ago(days=3), 5_000, category="tea")]
    assert verdict({"count": "purchase", "where": where, "at_least": 1}, rows) is verdict_


def test_a_won_deal_has_the_categories_of_its_line_items():
    item = row("line_item", "7", {"deal_id": "1", "product": {"type": "tea"}, "amount": None})
    rows = [won("1", ago(days=4)), item]
    assert verdict({"count": "purchase", "where": {"category": "tea"}, "at_least": 1}, rows) is True
    assert (
        verdict({"count": "purchase", "where": {"category": "cup"}, "at_least": 1}, rows) is False
    )


def test_tickets_and_answers_to_surveys_happen_as_well():
    rows = [ticket("1", ago(days=2)), ticket("2", ago(days=40)), answer("3", ago(days=1), 9)]
    assert verdict({"count": "ticket", "within_days": 30, "equals": 1}, rows) is True
    assert verdict(
        {"average": "survey", "of": "value", "where": {"kind": "nps"}, "at_least": 9}, rows
    )


def test_an_open_rate_of_two_in_ten_is_exactly_a_fifth():
    rows = [activity("x.sent", ago(days=days)) for days in range(1, 11)]
    rows += [activity("email.opened", ago(days=days)) for days in (1, 2)]
    rate = {"ratio": "email.opened", "to": "x.sent", "equals": 0.2}
    assert verdict(rate, rows) is True
    assert verdict(rate | {"fewest": 11}, rows) is None


def test_saw_the_product_page_then_bought():
    condition = {
        "sequence": [
            {"event": "page.viewed", "where": {"path": {"contains": "/pricing"}}},
            "purchase",
        ],
        "span_days": 7,
    }
    page = viewed("/en/pricing", ago(days=10))
    assert verdict(condition, [page, bought("A", ago(days=4))]) is True
    assert verdict(condition, [page, bought("A", ago(days=2))]) is False
    assert verdict(condition, [page, bought("A", ago(days=11))]) is False
    assert verdict(condition, [viewed("/about", ago(days=5)), bought("A", ago(days=4))]) is False


def test_this_month_is_that_of_the_calendar():
    """1 Farvardin 1405 begins in Tehran on 20 March 2026 at 20:30 UTC."""
    new_year = datetime(2026, 3, 20, 20, 30, tzinfo=UTC)
    condition = {"count": "x.webinar", "this": "month", "at_least": 1}
    before = [activity("x.webinar", new_year - timedelta(milliseconds=1))]
    assert verdict(condition, before, scope=TEHRAN) is False
    assert verdict(condition, [activity("x.webinar", new_year)], scope=TEHRAN) is True
    end = datetime(2026, 4, 20, 20, 30, tzinfo=UTC)
    assert changes_at(condition, [activity("x.webinar", new_year)], scope=TEHRAN) == end


@pytest.mark.parametrize(
    ("day", "condition", "holds"),
    [
        ("2026-03-21", {"in_next_days": 0}, True),
        ("2026-03-24", {"in_next_days": 3}, True),
        ("2026-03-25", {"in_next_days": 3}, False),
        ("2026-03-20", {"in_next_days": 3}, False),
        ("2026-03-18", {"in_last_days": 3}, True),
        ("2026-03-17", {"in_last_days": 3}, False),
        ("2026-03-17", {"longer_ago_days": 3}, True),
        ("2026-03-18", {"longer_ago_days": 3}, False),
        ("2026-03-18", {"before": "2026-03-18"}, False),
        ("2026-03-18", {"on_or_after": "2026-03-18"}, True),
        ("2026-03-20T23:00:00.000Z", {"on_or_after": "1405-01-01"}, False),
        ("2026-03-21", {"on_or_after": "1405-01-01", "before": "1405-01-02"}, True),
        ("soon", {"before": "2026-03-18"}, None),
    ],
)
def test_days(day, condition, holds):
    rows = [contact(renewal=day)]
    assert verdict({"attribute": "renewal", **condition}, rows) is holds


def test_a_day_in_tehran_begins_there():
    rows = [contact(renewal="2026-03-21T21:00:00.000Z")]
    condition = {"attribute": "renewal", "in_next_days": 0}
    assert verdict(condition, rows) is True
    assert verdict(condition, rows, scope=TEHRAN) is False
    assert changes_at(condition, rows, scope=TEHRAN) == datetime(2026, 3, 21, 20, 30, tzinfo=UTC)


NAMES = ["x.webinar", "page.viewed", "purchase"]
happened = st.lists(
    st.tuples(
        st.sampled_from(NAMES), st.integers(0, 12 * 24), st.integers(1, 3), st.sampled_from("ab")
    ),
    max_size=8,
)
amounts = st.sampled_from(
    [{"at_least": 2}, {"at_most": 1}, {"between": [2, 3]}, {"equals": 0}, {"at_least": 0.5}]
)
windows = st.sampled_from([{}, {"within_days": 2}, {"within_days": 5}, {"within_days": 0.5}])
wheres = st.sampled_from([{}, {"where": {"path": "a"}}, {"where": {"path": {"contains": "b"}}}])
names = st.sampled_from(NAMES)
ages = st.sampled_from([{"within_days": 3}, {"longer_ago_days": 3}])
steps = st.lists(
    names | names.map(lambda name: {"event": name, "where": {"path": "a"}}), min_size=2, max_size=3
)
spans = st.sampled_from([{}, {"span_days": 1}, {"span_days": 4}])
told = st.one_of(
    st.builds(lambda a, b, c, d: {"count": a} | b | c | d, names, amounts, windows, wheres),
    st.builds(lambda a, b, c: {"sum": "purchase"} | a | b | c, amounts, windows, wheres),
    st.builds(lambda a, b: {"sum": "x.webinar", "of": "hours"} | a | b, amounts, windows),
    st.builds(
        lambda a, b, c: {"average": "x.webinar", "of": "hours"} | a | b | c,
        amounts, windows, st.sampled_from([{}, {"fewest": 2}]),
    ),
    st.builds(
        lambda a, b, c, d: {"ratio": a, "to": b} | c | d, names, names, amounts, windows
    ),
    st.builds(lambda a, b, c, d: {a: b} | c | d, st.sampled_from(["first", "last"]), names, ages, wheres),
    st.builds(lambda a, b, c: {"sequence": a} | b | c, steps, windows, spans),
)  # fmt: skip


def as_rows(happened):
    """The same as facts of the product and as the story of the naive reader."""
    rows, story = [], {"attributes": {}}
    for number, (name, hours, count, path) in enumerate(happened):
        at = ago(hours=hours)
        if name == "purchase":
            rows.append(bought(str(number), at, count * 100, path=path))
            one = {"at": at, "count": 1, "attributes": {"path": path, "amount": count}}
        else:
            attributes = {"path": path, "hours": count / 2}
            data = {"kind": name, "count": count, **attributes}
            rows.append(row("activity", str(number), data, at))
            one = {"at": at, "count": count, "attributes": attributes}
        story.setdefault(name, []).append(one)
    return rows, story


@given(told, happened)
def test_what_happened_is_what_the_naive_reader_takes_it_for(condition, happened):
    rows, story = as_rows(happened)
    assert WORDS[verdict(condition, rows)] == naive_verdict(condition, story, NOW)


@given(told, happened, st.lists(st.integers(0, 15 * 24 * 60), max_size=5))
def test_the_verdict_changes_at_the_instant_that_is_told_and_not_before(condition, happened, later):
    rows, story = as_rows(happened)
    compiled = compile_condition(condition)
    change = compiled.changes_at(profile(rows)) if compiled.changes_at else None
    now = naive_verdict(condition, story, NOW)
    instants = [NOW + timedelta(minutes=minutes) for minutes in later]
    if change:
        assert naive_verdict(condition, story, change) != now
        instants = [at for at in instants if at < change]
        instants.append(change - timedelta(milliseconds=1))
    assert {naive_verdict(condition, story, at) for at in instants} <= {now}


dates = st.integers(-8, 8).map(lambda days: (NOW + timedelta(days=days)).date().isoformat())
stretches = st.sampled_from(["in_next_days", "in_last_days", "longer_ago_days"])


@given(dates, stretches, st.integers(0, 5))
def test_days_are_what_the_naive_reader_takes_them_for_until_they_change(day, word, days):
    condition = {"attribute": "renewal", word: days}
    story = {"attributes": {"renewal": day}}
    now = naive_verdict(condition, story, NOW)
    assert WORDS[verdict(condition, [contact(renewal=day)])] == now
    change = changes_at(condition, [contact(renewal=day)])
    instants = [NOW + timedelta(hours=hours) for hours in range(24 * 16)]
    if change:
        assert naive_verdict(condition, story, change) != now
        instants = [at for at in instants if at < change]
    assert {naive_verdict(condition, story, at) for at in instants} == {now}
