"""Chapter 16: gain, index, the list under a budget, and who takes whom."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.calls import CallRules, Floors, Hours, Priority, Rep
from chalicelib.core.card_json import card_json
from chalicelib.core.model import Money, Ref
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.assignment import assigned
from chalicelib.scoring.call_list import Candidate, Day, aged, call_list, minutes_left
from chalicelib.scoring.priority import gain_of
from tests.oracle import calls as oracle
from tests.scoring.examples import (
    FITTED,
    NOW,
    PRIORITY,
    SUBJECT,
    activity,
    ago,
    assert_well_formed,
    contact,
    fact_rows,
    fact_set,
    fitted,
    prioritised,
    row,
    starter,
    won,
)

TODAY = Day(NOW, ZoneInfo("UTC"), "gregorian")
ANY_TIME = CallRules(7, Floors(0.3, 0.3, 0.1), None, {})
NO_FLOORS = replace(ANY_TIME, floors=Floors(0, 0, 0))


def priority(index, **changes):
    made = Priority(
        score=50, index=index, gain=index * 15, chance=0.45, value=Money(120_000_000, "IRR"),
        minutes=15, existing=False, low=False, opted_out=False, owner=None, last_contact_at=None,
        waiting_since=None, service_level_days=7, assign_to=None,
    )  # fmt: skip
    return replace(made, **changes)


def person(identity, index, **changes):
    return Candidate(Ref("hubspot-main", "contact", identity), priority(index, **changes))


def called(people, minutes, rules=NO_FLOORS, day=TODAY):
    return [call.ref.id for call in call_list(people, minutes, rules, day)]


# --- what a call is worth -------------------------------------------------------------------


def test_contact_changes_little_for_near_certain_and_hopeless_ones():
    """16: uplift = p(1 - p)κ with κ = 0.3."""
    assert gain_of(0.5, 1000) == pytest.approx(75)
    assert gain_of(0.02, 1000) == pytest.approx(5.88)
    assert gain_of(0.98, 1000) == pytest.approx(5.88)


def test_the_example_of_the_chapter():
    """16: a 45 % chance of 12 m toman gains 0.3 · 0.45 · 0.55 of them, 59,400 toman a minute."""
    assert gain_of(0.45, 12_000_000) == pytest.approx(891_000)
    assert gain_of(0.45, 12_000_000) / 15 == pytest.approx(59_400)


def card_of(rows, section=PRIORITY):
    policy = compile_policy(starter(priority=section))
    return score_card(SUBJECT, fact_set(rows), policy, FITTED, NOW)


def opened(identity, amount, currency="USD"):
    money = {"amount": amount, "currency": currency}
    return row("deal", identity, {"status": "open", "amount": money}, NOW, NOW)


def test_open_deals_are_worth_more_than_past_purchases_and_those_more_than_the_usual_deal():
    bought = [won("1", ago(days=40), 3000), won("2", ago(days=9), 5000)]
    assert card_of([contact()]).priority.value == Money(50_000, "USD")
    assert card_of(bought).priority.value == Money(4000, "USD")
    dealing = [*bought, opened("3", 700), opened("4", 100), opened("5", 9, "EUR")]
    assert card_of(dealing).priority.value == Money(800, "USD")


def test_half_a_unit_of_the_average_purchase_goes_up():
    bought = [won("1", ago(days=40), 2), won("2", ago(days=9), 3)]
    assert card_of(bought).priority.value == Money(3, "USD")


def test_the_usual_deal_at_even_chance_has_priority_50():
    section = {"deal_value": 500, "chances": [[0, 0.5], [100, 0.5]]}
    assert card_of([contact()], section).priority.score == 50


def test_waiting_begins_with_the_first_thing_done_since_the_last_talk():
    rows = [
        activity("page.viewed", ago(days=9)),
        activity("call.held", ago(days=5)),
        activity("page.viewed", ago(days=3)),
        activity("page.viewed", ago(days=1)),
    ]
    found = card_of(rows).priority
    assert (found.last_contact_at, found.waiting_since) == (ago(days=5), ago(days=3))
    assert card_of(rows[:2]).priority.waiting_since == ago(days=5)
    assert card_of([contact()]).priority.waiting_since is None


def test_a_policy_without_the_section_gives_no_priority():
    page = starter()
    del page["priority"]
    card = score_card(SUBJECT, fact_set([]), compile_policy(page), FITTED, NOW)
    assert card.priority is None
    assert card_json(card)["priority"] is None


@settings(max_examples=150)
@given(prioritised, fact_rows, fitted)
def test_a_priority_is_what_the_naive_one_says(page, rows, models):
    assert_well_formed(page)
    card = score_card(SUBJECT, fact_set(rows), compile_policy(page), models, NOW)
    section, found = page["priority"], card.priority
    naive = oracle.worth(section, card.lead.score, found.value.amount, section["deal_value"] * 100)
    assert found.gain == pytest.approx(naive[0])
    assert found.index == pytest.approx(naive[1])
    assert abs(found.score - naive[2]) <= 1
    assert Priority.from_json(found.to_json()).to_json() == found.to_json()


@settings(max_examples=150)
@given(prioritised, fact_rows, fitted, st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_nothing_published_changes_before_the_next_change_and_something_does_at_it(
    page, rows, models, shares
):
    policy, facts = compile_policy(page), fact_set(rows)

    def news(at, shown):
        card = score_card(SUBJECT, facts, policy, models, at)
        return publish(card, Written(shown, certain=True), policy)

    shown = news(NOW, {})
    change = next_change_at(SUBJECT, facts, policy, models, NOW, shown)
    quiet_for = (change - NOW if change else timedelta(days=1000)) - timedelta(seconds=61)
    assert change is None or news(change, shown) is not None
    for share in [*shares, 1] if quiet_for > timedelta(0) else []:
        assert news(NOW + share * quiet_for, shown) is None


# --- the list -------------------------------------------------------------------------------


def test_the_best_come_first_ties_by_id_and_what_does_not_fit_is_skipped():
    people = [person("b", 5), person("a", 5), person("long", 9, minutes=40), person("c", 4)]
    assert called(people, 100) == ["long", "a", "b", "c"]
    assert called(people, 35) == ["a", "b"]
    assert called(people, 14) == []


def test_nobody_is_called_twice_within_the_days_of_rest_or_after_opting_out():
    people = [
        person("rested", 1, last_contact_at=ago(days=7)),
        person("tired", 9, last_contact_at=ago(days=6, hours=23)),
        person("out", 9, opted_out=True),
    ]
    assert called(people, 100) == ["rested"]


def test_waiting_for_as_long_as_the_service_level_doubles_the_index():
    """16: index · (1 + waiting/SLA)."""
    waiting = priority(3, waiting_since=ago(days=7))
    assert aged(waiting, NOW) == pytest.approx(6)
    urgent = priority(3, waiting_since=ago(days=7), service_level_days=2)
    assert aged(urgent, NOW) == pytest.approx(13.5)


def test_nobody_waits_for_ever():
    newcomers = [person(f"new{n}", 100) for n in range(50)]
    patient = person("patient", 0.5, waiting_since=ago(days=7 * 365))
    assert called([*newcomers, patient], 15) == ["patient"]


def test_new_and_existing_each_have_thirty_per_cent_of_the_minutes():
    """16: default at least 30 % each."""
    people = [person(f"new{n}", 100 + n) for n in range(60)]
    people += [person(f"old{n}", 1 + n, existing=True) for n in range(60)]
    calls = call_list(people, 480, ANY_TIME, TODAY)
    minutes = [call.priority.minutes for call in calls if call.priority.existing]
    assert sum(minutes) >= 0.3 * 480
    assert {call.because for call in calls if call.priority.existing} == {"existing"}
    assert sum(call.priority.minutes for call in calls) == 480


def test_ten_per_cent_go_to_those_outside_the_top_low_classes_and_the_longest_waiting_first():
    people = [person(f"top{n:02}", 100 - n) for n in range(40)]
    people += [person(f"low{n}", 0.001, low=True, waiting_since=ago(days=n)) for n in range(9)]
    calls = call_list(people, 300, ANY_TIME, TODAY)
    explored = [call.ref.id for call in calls if call.because == "exploration"]
    assert sorted(explored) == ["low7", "low8"]
    assert len(calls) == 20


def test_floors_that_nobody_fills_are_left_to_the_others():
    people = [person(f"new{n}", n) for n in range(40)]
    assert len(call_list(people, 480, ANY_TIME, TODAY)) == 32


SATURDAY_TO_WEDNESDAY = Hours(frozenset({5, 6, 0, 1, 2}), time(9), time(17))


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (datetime(2026, 3, 21, 9, 0, tzinfo=UTC), 270),  # Saturday, 12:30 in Tehran
        (datetime(2026, 3, 21, 4, 0, tzinfo=UTC), 480),  # 7:30, before the office opens
        (datetime(2026, 3, 21, 14, 0, tzinfo=UTC), 0),  # 17:30
        (datetime(2026, 3, 26, 9, 0, tzinfo=UTC), 0),  # Thursday
    ],
)
def test_calls_end_with_the_working_hours_of_the_zone(now, left):
    day = Day(now, ZoneInfo("Asia/Tehran"), "jalali")
    assert minutes_left(SATURDAY_TO_WEDNESDAY, day) == left
    rules = replace(ANY_TIME, hours=SATURDAY_TO_WEDNESDAY)
    people = [person(str(n), n) for n in range(40)]
    assert len(call_list(people, 1000, rules, day)) == left // 15


def test_a_reason_says_chance_value_last_talk_waiting_and_why_now():
    one = person("1", 5, last_contact_at=ago(days=21), waiting_since=ago(days=20))
    (call,) = call_list([one], 100, ANY_TIME, TODAY)
    assert call.reason.en == (
        "45% chance × 120,000,000 IRR, last contact 21 days ago, waiting for 20 days, "
        "among the most worthwhile"
    )
    bare = call.reason.fa.replace("\u2068", "").replace("\u2069", "")
    assert bare == (
        "شانس ۴۵٪ × ۱۲٬۰۰۰٬۰۰۰ تومان، آخرین تماس ۲۱ روز پیش، ۲۰ روز در انتظار، از باارزش‌ترین‌ها"
    )


people_of_any_kind = st.lists(
    st.fixed_dictionaries({
        "index": st.integers(0, 40).map(lambda n: n / 4),
        "minutes": st.sampled_from([5, 10, 15, 25]),
        "waiting": st.integers(0, 60),
        "level": st.sampled_from([1, 7]),
        "rested": st.sampled_from([0, 6, 7, 30]),
        "out": st.booleans(),
        "bought": st.booleans(),
        "low": st.booleans(),
    }),
    max_size=25,
)  # fmt: skip


def candidate(identity, one):
    return person(
        identity,
        one["index"],
        minutes=one["minutes"],
        waiting_since=ago(days=one["waiting"]),
        service_level_days=one["level"],
        last_contact_at=ago(days=one["rested"]),
        opted_out=one["out"],
        existing=one["bought"],
        low=one["low"],
    )


@settings(max_examples=200)
@given(people_of_any_kind, st.sampled_from([0, 14, 60, 120, 300]), st.randoms())
def test_the_list_is_the_naive_one_in_any_order_and_within_the_budget(rows, budget, random):
    people = [candidate(f"{number:02}", one) for number, one in enumerate(rows)]
    expected = oracle.chosen(
        [one | {"id": f"{number:02}"} for number, one in enumerate(rows)], budget
    )
    random.shuffle(people)
    calls = call_list(people, budget, ANY_TIME, TODAY)
    assert sorted(call.ref.id for call in calls) == expected
    assert sum(call.priority.minutes for call in calls) <= budget
    assert [call.index for call in calls] == sorted((call.index for call in calls), reverse=True)


# --- who takes whom -------------------------------------------------------------------------

REPS = tuple(Rep(str(n), frozenset({"pumps"} if n % 2 else ()), 120) for n in range(6))


def test_the_same_person_always_comes_to_the_same_rep_and_none_moves_when_another_leaves():
    before = {n: assigned(f"c{n}", None, REPS, None, {}, 15) for n in range(300)}
    after = {n: assigned(f"c{n}", None, REPS[1:], None, {}, 15) for n in range(300)}
    assert all(after[n] == before[n] for n in before if before[n] != "0")
    assert set(before.values()) == {rep.id for rep in REPS}


def test_reps_get_their_share_by_capacity():
    pool = (Rep("1", frozenset(), 60), Rep("2", frozenset(), 180))
    taken = [assigned(f"c{n}", None, pool, None, {}, 15) for n in range(2000)]
    assert 0.70 < taken.count("2") / 2000 < 0.80


def test_skills_free_minutes_and_owners_count():
    assert assigned("c", None, REPS, "pumps", {}, 15) in {"1", "3", "5"}
    assert assigned("c", "3", REPS, "pumps", {}, 15) == "3"
    assert assigned("c", "2", REPS, "pumps", {}, 15) != "2"
    assert assigned("c", "3", REPS, "pumps", {"3": 10}, 15) in {"1", "5"}
    assert assigned("c", None, REPS, "valves", {}, 15) is None


def test_a_pool_takes_no_more_people_than_it_has_minutes_for():
    page = starter(priority=PRIORITY)
    page["actions"][-1]["assign_to"] = {"pool": "experts", "skill": "pumps"}
    validate(page)
    policy = compile_policy(page)
    card = score_card(SUBJECT, fact_set([contact()]), policy, FITTED, NOW)
    people = [Candidate(Ref("hubspot-main", "contact", str(n)), card.priority) for n in range(30)]
    calls = call_list(people, 480, policy.priority.calls, TODAY)
    assert [call.rep for call in calls] == ["77"] * 4


def test_an_owner_of_a_pool_has_no_more_minutes_than_the_day():
    rules = replace(NO_FLOORS, pools={"all": (Rep("9", frozenset(), 30),)})
    people = [person(str(n), n, owner="9") for n in range(5)] + [person("x", 0.5, owner="8")]
    assert called(people, 480, rules) == ["4", "3", "x"]


# --- campaigns and service levels -----------------------------------------------------------


def test_a_class_names_the_campaign_and_a_segment_the_next_step():
    vip = {"en": "VIP offers", "fa": "پیشنهادهای ویژه"}
    soon = {"days": 1, "text": {"en": "Answer within a day", "fa": "پاسخ تا یک روز"}}
    action = {"id": "vip", "when": {"class": ["B"]}, "campaign": vip, "service_level": soon}
    page = starter(priority=PRIORITY)
    page["actions"].append(action)
    validate(page)
    deals = [won(str(n), ago(days=n), 90_000) for n in range(1, 10)]
    clicks = [activity("email.clicked", ago(hours=n)) for n in range(5)]
    card = score_card(SUBJECT, fact_set(deals + clicks), compile_policy(page), FITTED, NOW)
    assert card.customer.class_ == "B"
    assert card.campaign.en == "VIP offers"
    assert card.next_action.en == "Thank them, show what is new, ask for a referral"
    assert card.priority.service_level_days == 1
    fields = publish(card, Written({}, certain=True), compile_policy(page))
    assert fields["campaign"] == "VIP offers"
    assert fields["service_level"] == "Answer within a day"
    assert fields["priority"] == card.priority.score
