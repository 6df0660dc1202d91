"""Every formula and example of chapter 1, under its number."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core.model import Text
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.localization.sentences import happened, in_full
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from tests.scoring.examples import (
    NOW,
    SUBJECT,
    TEXT,
    activity,
    ago,
    contact,
    fact_set,
    row,
    starter,
)


def rule(points, kind="page.viewed", **more):
    return {"when": {"activity": kind}, "points": points, "text": TEXT, **more}


def page_of(*groups, **changes):
    """Lead groups by id as (cap, weight, rules); grades look at the first and the last of them."""
    page = starter(**changes)
    page["lead"]["groups"] = [
        {
            "id": name,
            "model": "engagement" if "activity" in rules[0]["when"] else "fit",
            "cap": cap,
            "weight": weight,
            "rules": [{"id": f"rule_{index}", **one} for index, one in enumerate(rules)],
        }
        for name, cap, weight, rules in groups
    ]
    page["lead"]["grade"]["fit"]["groups"] = [groups[0][0]]
    page["lead"]["grade"]["engagement"]["groups"] = [groups[-1][0]]
    validate(page)
    return page


def lead(page, *rows, now=NOW):
    return score_card(SUBJECT, fact_set(rows), compile_policy(page), NOTHING_FITTED, now).lead


def card(page, *rows, now=NOW):
    return score_card(SUBJECT, fact_set(rows), compile_policy(page), NOTHING_FITTED, now)


def has_phone(points):
    return {"when": {"attribute": "phone", "present": True}, "points": points, "text": TEXT}


PHONE = contact(phone="+982112345678")


# --- 1.1 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "cap", "weight", "score"),
    [
        (20, [0, 50], 1, 20),
        (20, [0, 10], 1, 10),  # G = clamp(Σ, lo, hi)
        (-20, [-15, 10], 1, 0),  # S is within 0 and 100
        (20, [0, 50], 2.5, 50),  # W · G
        (60, [0, 60], 2, 100),
    ],
)
def test_1_1_a_group_is_clamped_then_weighed_and_the_sum_is_clamped(points, cap, weight, score):
    assert lead(page_of(("fit", cap, weight, [has_phone(points)])), PHONE).score == score


@pytest.mark.parametrize(
    ("fit", "letter"), [(70, "A"), (69.9, "B"), (40, "B"), (39.9, "C"), (0, "C")]
)
def test_1_1_fit_is_a_from_70_percent_of_its_maximum_and_b_from_40(fit, letter):
    known, unknown = has_phone(fit), rule(0)
    rest = {"when": {"attribute": "email", "present": True}, "points": 100 - fit, "text": TEXT}
    page = page_of(("fit", [0, 100], 1, [known, rest]), ("doing", [0, 50], 1, [unknown]))
    assert lead(page, PHONE).grade[0] == letter


@pytest.mark.parametrize(
    ("points", "digit"), [(60, "1"), (59.9, "2"), (25, "2"), (24.9, "3"), (0, "3")]
)
def test_1_1_engagement_is_1_from_60_percent_of_its_maximum_and_2_from_25(points, digit):
    page = page_of(("fit", [0, 50], 1, [has_phone(1)]), ("doing", [0, 100], 1, [rule(points)]))
    assert lead(page, activity("page.viewed", NOW)).grade[1] == digit


@pytest.mark.parametrize(
    ("points", "temperature"),
    [(70, "hot"), (69.5, "hot"), (69.4, "warm"), (40, "warm"), (39.4, "cold"), (0, "cold")],
)
def test_1_1_hot_is_from_70_and_warm_from_40_of_the_shown_number(points, temperature):
    page = page_of(("doing", [0, 100], 1, [rule(points)]))
    assert lead(page, activity("page.viewed", NOW)).temperature == temperature


# --- 1.2 -------------------------------------------------------------------------------------


def test_1_2_a_changed_property_replaces_its_points_and_nothing_decays():
    page = starter()
    boss, student = contact(job_title="CEO"), contact(job_title="Student")
    student = student | {"modified_at": "2026-03-21T12:31:00.000Z"}
    assert lead(page, boss).score == 15
    assert lead(page, boss, now=NOW + timedelta(days=4000)).score == 15
    assert [line.points for line in lead(page, boss, student).contributions] == [
        line.points for line in lead(page, student).contributions
    ]


@pytest.mark.parametrize("employees", [20, 199])
def test_1_2_numeric_ranges_include_their_ends(employees):
    account = row("account", "7", {"employees": employees}, NOW, NOW)
    assert "fit.medium_company" in {line.id for line in lead(starter(), account).contributions}


@pytest.mark.parametrize(
    "when",
    [
        {"attribute": "job_title", "in": ["cto", "CEO"]},
        {"attribute": "job_title", "matches": "^c[et]o$"},
        {"attribute": "job_title", "has_word": ["ceo"]},
        {"attribute": "job_title", "present": True},
        {"attribute": "country", "missing": True},
        {"attribute": "account.employees", "between": [20, 199]},
        {"segment": "busy"},
    ],
    ids=lambda when: next(name for name in [*when][::-1]),
)
def test_1_2_a_rule_is_true_or_false_of_what_is_known_now(when):
    busy = {"id": "busy", "when": {"count": "page.viewed", "at_least": 1}, "text": TEXT}
    page = starter(segments=[busy])
    page["lead"]["groups"][0]["rules"] = [{"id": "only", "when": when, "points": 7, "text": TEXT}]
    page["lead"]["groups"][1]["rules"] = [rule(0) | {"id": "none"}]
    validate(page)
    account = row("account", "7", {"employees": 199}, NOW, NOW)
    known = contact(job_title="CEO"), account, activity("page.viewed", NOW)
    assert lead(page, *known).score == 7
    assert lead(page, contact(job_title="", country="Iran")).score == 0


# --- 1.3 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 1, 7, 14, 100])
def test_1_3_an_event_is_worth_w_times_2_to_the_minus_age_over_h(days):
    page = page_of(("doing", [0, 100], 1, [rule(80, half_life_days=14)]))
    (line,) = lead(page, activity("page.viewed", ago(days=days))).contributions
    assert line.exact == pytest.approx(80 * 2 ** (-days / 14))


def test_1_3_the_decayed_count_adds_whatever_the_order_of_arrival():
    page = page_of(("doing", [0, 100], 1, [rule(10, half_life_days=7)]))
    early, late = activity("page.viewed", ago(days=9)), activity("page.viewed", ago(days=2))
    (line,) = lead(page, early, late).contributions
    # read(add(e), t) = w · (2^(-9/7) + 2^(-2/7)), and a late event needs no replay.
    assert line.exact == pytest.approx(10 * (2 ** (-9 / 7) + 2 ** (-2 / 7)))
    assert lead(page, late, early) == lead(page, early, late)


def test_1_3_changed_points_are_effective_for_the_whole_history():
    visits = [activity("page.viewed", ago(days=days)) for days in (3, 30)]
    of = {points: page_of(("doing", [0, 100], 1, [rule(points)])) for points in (5, 20)}
    assert (lead(of[5], *visits).score, lead(of[20], *visits).score) == (10, 40)


def test_1_3_an_event_forty_half_lives_old_is_worth_a_billionth():
    page = page_of(("doing", [0, 100], 1, [rule(100, half_life_days=0.5)]))
    old = lead(page, activity("page.viewed", ago(days=20)))
    ancient = lead(page, activity("page.viewed", ago(days=9000)))
    assert (old.score, ancient.score, ancient.contributions) == (0, 0, ())


def test_1_3_a_value_weighted_rule_sums_decayed_values():
    page = page_of(("doing", [0, 100], 1, [rule(0.5, half_life_days=10, per="minutes")]))
    watched = [
        row("activity", str(minutes), {"kind": "page.viewed", "minutes": minutes}, at)
        for minutes, at in ((30, NOW), (40, ago(days=10)))
    ]
    silent = activity("page.viewed", NOW)  # tells no minutes, which is not zero of them
    (line,) = lead(page, *watched, silent).contributions
    assert line.exact == pytest.approx(0.5 * (30 + 40 / 2))
    assert line.text.en.startswith("Did it 2 times")


def test_1_3_an_event_proved_wrong_is_taken_out_and_those_of_two_records_are_added():
    page = page_of(("doing", [0, 100], 1, [rule(10, "email.clicked", half_life_days=7)]))
    one = activity("email.clicked", ago(days=9), "1")
    other = activity("email.clicked", ago(days=2), "2")
    both = lead(page, one, other)
    merged = fact_set([one]).merge(fact_set([other]))
    policy = compile_policy(page)
    assert score_card(SUBJECT, merged, policy, NOTHING_FITTED, NOW).lead == both
    wrong = other["data"] | {"user_agent": "Mimecast"}
    proved = other | {"data": wrong, "modified_at": "2026-03-21T12:00:00.000Z"}
    assert lead(page, one, other, proved).contributions == lead(page, one).contributions


DEFAULT_HALF_LIVES = {
    "email.opened": 7, "email.clicked": 14, "page.viewed": 7, "form.submitted": 30,
    "call.held": 45,
}  # fmt: skip


def test_1_3_the_starter_policy_has_the_default_half_lives():
    rules = starter()["lead"]["groups"][1]["rules"]
    lives = {one["when"]["activity"]: one.get("half_life_days") for one in rules}
    assert lives | DEFAULT_HALF_LIVES == lives


# --- 1.4 -------------------------------------------------------------------------------------


def limited(**limit):
    return page_of(("doing", [0, 100], 1, [rule(5, **limit)]))


def test_1_4_a_late_event_is_judged_by_its_own_day_and_the_earlier_one_wins():
    page = limited(max_per_day=1, half_life_days=7)
    evening, morning = ago(days=1, hours=1), ago(days=1, hours=8)
    both = lead(page, activity("page.viewed", evening), activity("page.viewed", morning))
    (line,) = both.contributions
    assert line.exact == pytest.approx(5 * 2 ** (-(1 + 8 / 24) / 7))


def test_1_4_a_session_counts_so_often():
    page = limited(max_per_session=2)
    visits = [
        row("activity", f"{hour}", {"kind": "page.viewed", "session": name}, ago(hours=hour))
        for hour, name in enumerate(["a", "a", "a", "b"])
    ]
    assert lead(page, *visits).score == 15
    assert lead(page, *visits, activity("page.viewed", NOW)).score == 20  # of no session


def test_1_4_a_period_of_seven_days_is_a_week_from_monday_or_saturday():
    page = limited(max_per_period={"count": 1, "days": 7})
    friday, saturday = datetime(2026, 3, 13, 12, tzinfo=UTC), datetime(2026, 3, 14, 12, tzinfo=UTC)
    monday = datetime(2026, 3, 16, 12, tzinfo=UTC)
    visits = [activity("page.viewed", at) for at in (friday, saturday, monday)]
    assert lead(page, *visits).score == 10
    assert lead(page | {"calendar": "jalali"}, *visits).score == 10
    assert lead(page, *visits[:2]).score == 5
    assert lead(page | {"calendar": "jalali"}, *visits[:2]).score == 10


def test_1_4_what_is_forgotten_for_its_age_moves_no_points_of_other_periods():
    page = limited(max_per_period={"count": 2, "days": 7})
    visits = [activity("page.viewed", ago(days=days)) for days in range(60)]
    recent = [one for one in visits if one["occurred_at"] >= "2026-03-02"]  # a Monday
    assert lead(page, *recent).score == 2 * 5 * 3
    assert lead(page, *visits).score - lead(page, *visits[len(recent) :]).score == 30


def test_1_4_ten_views_of_5_under_a_cap_of_30_read_30_until_the_raw_50_has_decayed_to_it():
    page = page_of(("doing", [0, 30], 1, [rule(5, half_life_days=7)]))
    views = [activity("page.viewed", NOW, identity=str(number)) for number in range(10)]
    capped_for = timedelta(days=7 * math.log2(50 / 30))
    assert lead(page, *views).score == 30
    assert lead(page, *views, now=NOW + capped_for - timedelta(hours=1)).score == 30
    assert lead(page, *views, now=NOW + timedelta(days=7)).score == 25


# --- 1.5 -------------------------------------------------------------------------------------

BEGIN = datetime(2026, 3, 10, tzinfo=UTC)


def reset_page(when):
    page = page_of(("doing", [0, 100], 1, [rule(5)]), ("other", [0, 100], 1, [rule(1)]))
    page["attributes"]["begin_anew_at"] = {
        "type": "date", "of": "contact", "hubspot": "begin_anew_at",
    }  # fmt: skip
    page["lead"]["resets"] = [{"id": "anew", "groups": ["doing"], "when": when}]
    validate(page)
    return page


LOST = row("deal", "1", {"status": "lost", "closed_at": "2026-03-10T00:00:00.000Z"}, NOW, NOW)
RESETS = {
    "a lost deal": ({"deal": "lost"}, LOST),
    "a recycled record": ({"activity": "x.recycled"}, activity("x.recycled", BEGIN)),
    "its owner's request": (
        {"attribute": "begin_anew_at"}, contact(begin_anew_at="2026-03-10"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("when", "trigger"), RESETS.values(), ids=RESETS)
def test_1_5_a_reset_forgets_its_groups_events_until_then_also_late_ones(when, trigger):
    page = reset_page(when)
    before = activity("page.viewed", BEGIN - timedelta(days=1))
    at_it = activity("page.viewed", BEGIN)
    after = activity("page.viewed", BEGIN + timedelta(seconds=1))
    assert lead(page, before, at_it, after).score == 18
    anew = lead(page, trigger, after, at_it, before)
    assert anew.score == 5 + 3
    assert [(one.group, one.reset, one.at) for one in anew.resets] == [("doing", "anew", BEGIN)]


def test_1_5_a_reset_that_lies_ahead_changes_the_card_when_it_comes():
    page = reset_page({"deal": "lost"})
    at = NOW + timedelta(days=2)
    lost = row("deal", "1", {"status": "lost", "closed_at": at.isoformat()}, NOW, NOW)
    policy, facts = compile_policy(page), fact_set([activity("page.viewed", NOW), lost])
    first = score_card(SUBJECT, facts, policy, NOTHING_FITTED, NOW)
    shown = publish(first, Written({}, certain=True), policy)
    assert next_change_at(SUBJECT, facts, policy, NOTHING_FITTED, NOW, shown) == at


def test_1_5_a_deal_that_is_opened_again_was_not_lost():
    page, seen = reset_page({"deal": "lost"}), activity("page.viewed", BEGIN - timedelta(days=1))
    opened = LOST | {"data": {"status": "open"}, "modified_at": "2026-03-21T12:40:00.000Z"}
    assert lead(page, seen, LOST).score == 1
    assert lead(page, seen, LOST, opened).score == 6


# --- 1.6: see tests/scoring/test_machine_traffic.py --------------------------------------------


# --- 1.7 -------------------------------------------------------------------------------------


def test_1_7_above_the_cap_positive_parts_are_scaled_by_hi_plus_n_over_p():
    rules = [rule(40), rule(20, "email.opened"), rule(-10, "email.replied")]
    page = page_of(("doing", [0, 30], 1, rules))
    kinds = ("page.viewed", "email.opened", "email.replied")
    found = lead(page, *(activity(kind, NOW) for kind in kinds))
    by_id = {line.id: line for line in found.contributions}
    assert by_id["doing.rule_0"].exact == pytest.approx(40 * (30 + 10) / 60)
    assert by_id["doing.rule_1"].exact == pytest.approx(20 * (30 + 10) / 60)
    assert (by_id["doing.rule_2"].exact, by_id["doing.rule_2"].unlimited) == (-10, None)
    assert by_id["doing.rule_0"].unlimited == 40
    assert [(one.group, one.points, one.limit) for one in found.limits] == [("doing", 50, 30)]


def test_1_7_below_the_cap_negative_parts_are_scaled_by_p_minus_lo_over_n():
    page = page_of(("doing", [-5, 30], 1, [rule(10), rule(-40, "email.replied")]),
                   ("more", [0, 50], 1, [rule(20)]))  # fmt: skip
    found = lead(page, activity("page.viewed", NOW), activity("email.replied", NOW))
    by_id = {line.id: line.exact for line in found.contributions}
    assert by_id["doing.rule_1"] == pytest.approx(-40 * (10 + 5) / 40)
    assert found.score == 15


def test_1_7_the_totals_bounds_scale_as_a_groups_do():
    page = page_of(("a", [0, 100], 1, [rule(80)]), ("b", [0, 100], 1, [rule(120)]))
    found = lead(page, activity("page.viewed", NOW))
    assert [(one.group, one.points, one.limit) for one in found.limits] == [
        ("b", 120, 100), ("total", 180, 100),
    ]  # fmt: skip
    assert {line.id: line.exact for line in found.contributions} == pytest.approx(
        {"a.rule_0": 80 * 100 / 180, "b.rule_0": 100 * 100 / 180}
    )


def test_1_7_the_uncapped_value_stands_next_to_the_capped_one():
    page = page_of(("doing", [0, 30], 1, [rule(5)]))
    views = [activity("page.viewed", ago(days=days)) for days in range(10)]
    (reason,) = card(page, *views).reasons
    assert reason.en == "Did it 10 times, last today (+50 limited to +30)"


def test_1_7_the_line_of_a_rule_says_what_how_often_how_long_ago_and_its_half_life():
    often = Text("{count} visits to the pricing page", "{count} بازدید از صفحهٔ قیمت")
    text = happened(often, often, 3, Text("4 days ago", "۴ روز پیش"))
    line = in_full(text, 12.5, 14)
    assert line.en == (
        "3 visits to the pricing page, last 4 days ago, 12.5 points (half-life 14 days)"
    )
    plain = line.fa.replace("\u2068", "").replace("\u2069", "")
    assert plain == ("۳ بازدید از صفحهٔ قیمت، آخرین بار ۴ روز پیش، ۱۲٫۵ امتیاز (نیمه‌عمر ۱۴ روز)")


# --- 1.8 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "half_life"), [(32, 10), (90, 3), (50, 45)])
def test_1_8_one_half_life_crosses_a_threshold_after_h_log2_of_s_over_theta(points, half_life):
    page = page_of(
        ("doing", [0, 100], 1, [rule(points, half_life_days=half_life)]),
        publish={"step": 5, "profile": "minimal"},
    )
    policy, facts = compile_policy(page), fact_set([activity("page.viewed", NOW)])
    first = score_card(SUBJECT, facts, policy, NOTHING_FITTED, NOW)
    shown = publish(first, Written({}, certain=True), policy)
    change = next_change_at(SUBJECT, facts, policy, NOTHING_FITTED, NOW, shown)
    # The first level that is rounded to five less lies just under four and a half less.
    crossing = timedelta(days=half_life * math.log2(points / (points - 4.5)))
    assert crossing <= change - NOW <= crossing + timedelta(minutes=1)


def change_of(page, *rows):
    """When a CRM that sees the score alone, in steps of 5, has to hear of it."""
    page = page | {"publish": {"step": 5, "profile": "minimal"}}
    policy, facts = compile_policy(page), fact_set(rows)
    first = score_card(SUBJECT, facts, policy, NOTHING_FITTED, NOW)
    shown = publish(first, Written({}, certain=True), policy)
    return next_change_at(SUBJECT, facts, policy, NOTHING_FITTED, NOW, shown) - NOW


MINUTE = timedelta(minutes=1)


def crossed(level, threshold, until):
    """The first minute of a level that only falls, by bisection."""
    low, high = 0, until
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if level(middle / 1440) < threshold else (middle, high)
    return high * MINUTE


def test_1_8_several_half_lives_are_crossed_where_their_sum_is():
    rules = [rule(30, half_life_days=7), rule(40, "email.opened", half_life_days=45)]
    page = page_of(("doing", [0, 100], 1, rules))
    change = change_of(page, activity("page.viewed", NOW), activity("email.opened", NOW))
    found = crossed(lambda days: 30 * 2 ** (-days / 7) + 40 * 2 ** (-days / 45), 65.5, 99_999)
    assert abs(change - found) <= MINUTE


def test_1_8_decaying_negatives_let_a_score_rise_and_that_is_found_too():
    rules = [rule(50), rule(-20, "email.opened", half_life_days=7)]
    page = page_of(("doing", [0, 100], 1, rules))
    change = change_of(page, activity("page.viewed", NOW), activity("email.opened", NOW))
    # 30 is shown, and 34.5 is the first level that is rounded to five more.
    rising = timedelta(days=7 * math.log2(20 / 15.5))
    assert rising <= change <= rising + MINUTE


def test_1_8_a_group_over_its_cap_is_flat_until_its_raw_sum_reaches_the_cap():
    page = page_of(("doing", [0, 30], 1, [rule(50, half_life_days=7)]))
    falling = timedelta(days=7 * math.log2(50 / 25.5))
    assert falling <= change_of(page, activity("page.viewed", NOW)) <= falling + MINUTE


def test_1_8_fit_alone_changes_with_events_only():
    page = page_of(("fit", [0, 50], 1, [has_phone(20)]))
    policy, facts = compile_policy(page), fact_set([PHONE])
    first = score_card(SUBJECT, facts, policy, NOTHING_FITTED, NOW)
    shown = publish(first, Written({}, certain=True), policy)
    assert next_change_at(SUBJECT, facts, policy, NOTHING_FITTED, NOW, shown) is None


# --- 1.9 -------------------------------------------------------------------------------------


def test_1_9_without_events_engagement_is_0_and_confidence_goes_by_missing_properties():
    nobody = card(starter())
    assert (nobody.lead.score, nobody.lead.grade) == (0, "C3")
    known = card(starter(), contact(job_title="CEO", email="a@acme.example"))
    assert nobody.completeness < known.completeness < 1


def test_1_9_if_all_rules_are_negative_the_total_is_the_lower_bound_and_lines_add_up_to_it():
    page = page_of(("doing", [-50, 50], 1, [rule(-10), rule(-7, "email.opened")]))
    found = lead(page, activity("page.viewed", NOW), activity("email.opened", NOW))
    assert (found.score, found.contributions) == (0, ())
    assert [(one.group, one.points, one.limit) for one in found.limits] == [("total", -17, 0)]


def test_1_9_a_rule_of_0_points_is_allowed_and_only_measures():
    assert lead(page_of(("doing", [0, 100], 1, [rule(0)])), activity("page.viewed", NOW)).score == 0


@pytest.mark.parametrize("half_life", [0, -3])
def test_1_9_a_half_life_of_nothing_or_less_is_a_configuration_error(half_life):
    with pytest.raises(PolicyInvalid, match="half_life_days: write a number greater than 0"):
        page_of(("doing", [0, 100], 1, [rule(5, half_life_days=half_life)]))


def test_1_9_an_event_that_no_rule_knows_gives_nothing_and_breaks_nothing():
    page = page_of(("doing", [0, 100], 1, [rule(5)]))
    assert lead(page, activity("x.sneezed", NOW)).score == 0


def test_1_9_two_models_have_state_of_their_own():
    visit = activity("page.viewed", NOW)
    pages = [page_of(("doing", [0, 100], 1, [rule(points)])) for points in (5, 7)]
    assert [lead(page, visit).score for page in pages] == [5, 7]
