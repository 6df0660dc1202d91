import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, next_change_at, publish, score_card
from tests.scoring.examples import (
    FITTED,
    NOW,
    SUBJECT,
    TEXT,
    activity,
    ago,
    contact,
    fact_rows,
    fact_set,
    fitted,
    pages,
    starter,
    won,
)

MINUTE = timedelta(minutes=1)


def speaks(policy, facts, models, at, shown):
    card = score_card(SUBJECT, facts, policy, models, at)
    return publish(card, Written(shown, certain=True), policy) is not None


def shown_now(policy, facts, models):
    return publish(score_card(SUBJECT, facts, policy, models, NOW), Written({}, True), policy)


def first_spoken(policy, facts, models, shown, step, steps):
    """By trying one instant after another."""
    for count in range(1, steps + 1):
        if speaks(policy, facts, models, NOW + count * step, shown):
            return NOW + count * step
    return None


@settings(max_examples=150)
@given(pages, fact_rows, fitted, st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_publish_is_silent_until_the_change_and_speaks_at_it(page, rows, models, shares):
    policy, facts = compile_policy(page), fact_set(rows)
    shown = shown_now(policy, facts, models)
    change = next_change_at(SUBJECT, facts, policy, models, NOW, shown)
    quiet_for = (change - NOW if change else timedelta(days=1000)) - 1.001 * MINUTE
    if change:
        assert change > NOW
        assert speaks(policy, facts, models, change, shown)
    if quiet_for > timedelta(0):
        for share in [*shares, 1]:
            assert not speaks(policy, facts, models, NOW + share * quiet_for, shown)


@settings(max_examples=12)
@given(pages, fact_rows)
def test_the_change_is_the_one_that_hour_by_hour_stepping_finds(page, rows):
    policy, facts = compile_policy(page), fact_set(rows)
    shown = shown_now(policy, facts, FITTED)
    change = next_change_at(SUBJECT, facts, policy, FITTED, NOW, shown)
    step, steps = timedelta(hours=1), 24 * 10
    found = first_spoken(policy, facts, FITTED, shown, step, steps)
    if found is None:
        assert change is None or change > NOW + steps * step - step
    else:
        assert found - step <= change <= found


def page_of(rules, **changes):
    """Engagement only, so that the arithmetic can be followed by hand."""
    page = starter(**changes)
    rows = [{"id": f"rule_{i}", "text": TEXT, **rule} for i, rule in enumerate(rules)]
    page["lead"]["groups"][1] |= {"cap": [-100, 100], "rules": rows}
    page["lead"]["grade"]["engagement"]["at_least"] = [1, 0.001]
    return page


def click(points, half_life):
    return {
        "when": {"activity": "email.clicked"},
        "points": points,
        "half_life_days": half_life,
    }


def change_of(page, rows, models=NOTHING_FITTED):
    policy, facts = compile_policy(page), fact_set(rows)
    shown = shown_now(policy, facts, models)
    return next_change_at(SUBJECT, facts, policy, models, NOW, shown)


def test_one_half_life_has_the_closed_form():
    # 32 points are shown as 32; the first level that rounds to 27 lies just below 27.5.
    expected = timedelta(days=10 * math.log2(32 / 27.5))
    change = change_of(page_of([click(32, 10)]), [activity("email.clicked", NOW)])
    assert expected <= change - NOW < expected + MINUTE


def test_a_sum_above_its_cap_is_silent_until_it_has_decayed_to_it():
    page = page_of([click(60, 10)])
    page["lead"]["groups"][1]["cap"] = [0, 30]
    change = change_of(page, [activity("email.clicked", NOW)])
    assert change > NOW + timedelta(days=10)


def test_a_decaying_negative_makes_a_score_rise():
    page = page_of([
        {"when": {"activity": "email.opened"}, "points": 30},
        click(-20, 7),
    ])  # fmt: skip
    rows = [activity("email.opened", ago(days=2)), activity("email.clicked", NOW)]
    change = change_of(page, rows)
    policy = compile_policy(page)
    before = score_card(SUBJECT, fact_set(rows), policy, NOTHING_FITTED, NOW)
    after = score_card(SUBJECT, fact_set(rows), policy, NOTHING_FITTED, change)
    assert (before.score, after.score) == (10, 15)


def test_a_score_that_falls_and_rises_again_is_followed_both_ways():
    # The gain halves daily, the loss only every forty days: down first, then slowly up again.
    page = page_of([
        {"when": {"activity": "email.opened"}, "points": 40},
        click(4, 1),
        {"when": {"activity": "page.viewed"}, "points": -30, "half_life_days": 40},
    ])  # fmt: skip
    rows = [
        activity("email.opened", ago(days=9)),
        activity("email.clicked", NOW),
        activity("page.viewed", NOW),
    ]
    assert change_of(page, rows) > NOW + timedelta(days=10)


def rising_to(score, loss=-20):
    """Points without decay, and a loss that halves weekly."""
    page = page_of([
        {"when": {"activity": "email.opened"}, "points": score},
        click(loss, 7),
    ], publish={"step": 100, "profile": "full"})  # fmt: skip
    rows = [activity("email.opened", ago(days=2)), activity("email.clicked", NOW)]
    return page, rows, timedelta(days=7 * math.log2(-loss / 0.5))


def test_a_score_that_reaches_the_top_is_due_however_small_the_step():
    page, rows, half_a_point_left = rising_to(100)
    page["lead"]["temperatures"] = {"hot": 2, "warm": 1}
    page["lead"]["grade"]["engagement"]["at_least"] = [0.002, 0.001]
    assert half_a_point_left < change_of(page, rows) - NOW <= half_a_point_left + 2 * MINUTE


def test_a_temperature_that_rises_is_due_when_it_does():
    page, rows, half_a_point_left = rising_to(70)
    page["lead"]["grade"]["engagement"]["at_least"] = [0.002, 0.001]
    assert half_a_point_left < change_of(page, rows) - NOW <= half_a_point_left + 2 * MINUTE


@pytest.mark.parametrize(("points", "reached"), [(24, 45), (-24, 55)], ids=["dip", "bump"])
def test_what_comes_and_goes_between_two_quiet_days_is_found(points, reached):
    # 50 ± 24 · (2^(-t/0.05) - 2^(-t/0.1)) is 50 now and a day later, 44 or 56 after 2.4 hours.
    page = page_of([
        {"when": {"activity": "email.opened"}, "points": 50},
        click(points, 0.05),
        {"when": {"activity": "page.viewed"}, "points": -points, "half_life_days": 0.1},
    ])  # fmt: skip
    rows = [
        activity("email.opened", ago(days=9)),
        activity("email.clicked", NOW),
        activity("page.viewed", NOW),
    ]
    change, policy = change_of(page, rows), compile_policy(page)
    assert NOW < change < NOW + timedelta(hours=2.4)
    assert score_card(SUBJECT, fact_set(rows), policy, NOTHING_FITTED, change).score == reached


def test_what_does_not_decay_never_changes():
    assert change_of(starter(), [contact(job_title="CEO", email="a@acme.example")]) is None


def test_recency_changes_at_a_local_midnight():
    page = starter(time_zone="Asia/Tehran")
    change = change_of(page, [won("1", ago(days=20))], FITTED)
    # Bought on 1 March; the score of 31 days and more begins on 1 April, 20:30 UTC of 31 March.
    assert change.isoformat() == "2026-03-31T20:30:00+00:00"


def test_a_jump_that_changes_nothing_shown_is_passed_over():
    # Each lower recency score takes 60 % of 25/3 from the score: one step of 8 is two of them.
    page = starter(publish={"step": 8, "profile": "minimal"})
    page["customer"]["classes"] = {"A": 90, "B": 1}
    change = change_of(page, [won("1", ago(days=20))], FITTED)
    assert change.isoformat() == "2026-05-31T00:00:00+00:00"


def test_decay_goes_on_over_a_jump():
    page = starter(publish={"step": 14, "profile": "minimal"})
    page["customer"]["classes"] = {"A": 90, "B": 1}
    rows = [won("1", ago(days=20)), activity("form.submitted", NOW), activity("call.held", NOW)]
    policy, facts = compile_policy(page), fact_set(rows)
    shown = shown_now(policy, facts, FITTED)
    change = next_change_at(SUBJECT, facts, policy, FITTED, NOW, shown)
    hour = timedelta(hours=1)
    found = first_spoken(policy, facts, FITTED, shown, hour, 24 * 60)
    assert found - hour < change <= found
    assert change > NOW + timedelta(days=11)  # the jump at which recency falls


def test_a_purchase_dated_ahead_changes_the_card_when_its_time_comes():
    at = NOW + timedelta(days=3, seconds=17)
    assert change_of(starter(), [won("1", at)]) == at


def test_an_activity_dated_ahead_counts_from_then_on():
    at = NOW + timedelta(days=3)
    page = page_of([click(32, 10)])
    assert change_of(page, [activity("email.clicked", at)]) == at


def test_what_is_not_shown_yet_is_due_at_once():
    policy = compile_policy(starter())
    change = next_change_at(SUBJECT, fact_set([]), policy, FITTED, NOW, {})
    assert change == NOW + MINUTE


def test_a_minimal_profile_is_not_woken_for_what_it_does_not_show():
    rows = [activity("email.replied", ago(days=1)), activity("form.submitted", NOW)]
    minimal = starter(publish={"step": 100, "profile": "minimal"})
    full = starter(publish={"step": 100, "profile": "full"})
    assert change_of(full, rows) < change_of(minimal, rows)
