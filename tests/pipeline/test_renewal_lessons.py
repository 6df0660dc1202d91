"""What subscribers teach: each as it was some days before a renewal, and whether it was missed."""

import itertools
import math
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels
from chalicelib.core.stored import Collection, StoredCard
from chalicelib.pipeline import foresight
from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import Lessons, lessons_of
from chalicelib.pipeline.snapshots import RenewalSnapshot, renewal_at
from chalicelib.policy import compile_policy
from chalicelib.scoring import score_card
from chalicelib.scoring.profile import profile_of
from tests.scoring.examples import NOW, SUBJECT, activity, ago, bought, contact, fact_set
from tests.scoring.test_renewals import page, subscribers

DAY = timedelta(days=1)
POLICY = compile_policy(page())


def told(rows, subject=SUBJECT, policy=POLICY):
    rows = [one | {"subject": str(subject)} for one in rows]
    facts = fact_set(rows)
    return lessons_of([Collection(StoredCard.unsaved(subject), facts)], policy, NOW)


def paid(*days_ago):
    return [bought(f"o{days}", ago(days=days)) for days in days_ago]


def due(days_ago):
    return [contact(reset_at=ago(days=days_ago).date().isoformat())]


def seen(lessons):
    """Days ago of each look, renewals survived by then, and whether the next was missed."""
    today = NOW.date()
    return [
        ((today - parse_instant(at).date()).days, row["renewal:survived"], left)
        for at, left, row, _ in lessons.renewals
    ]


def test_a_renewal_is_looked_at_a_month_ahead_or_half_of_what_was_paid_for():
    assert seen(told(paid(500, 135) + due(-230))) == [(165, 0, False)]
    assert seen(told(paid(160, 130, 100) + due(70))) == [(145, 0, False)]


def test_those_are_looked_at_that_came_next_at_a_few_days_of_the_last_year():
    months = [30 * n for n in range(20, 0, -1)]
    found = seen(told(paid(*months) + due(0)))
    next_ones = [max(days for days in months if days <= look) for look in (346, 246, 146, 46)]
    assert found == [(days + 15, 19 - days // 30, False) for days in next_ones]


def test_who_left_is_seen_before_the_day_that_was_missed_and_who_left_long_ago_is_not():
    assert seen(told(paid(110, 80, 50) + due(20))) == [(35, 2, True)]
    assert seen(told(paid(110, 80, 50) + due(10))) == []
    assert seen(told(paid(210, 180, 150) + due(120)))[-1] == (135, 2, True)
    assert seen(told(paid(700, 670) + due(640))) == []


def test_a_renewal_whose_end_is_not_known_teaches_nothing():
    assert seen(told(paid(200) + due(10))) == []
    assert seen(told(paid(200))) == []
    assert told(paid(200) + due(120), policy=compile_policy(page(grace_days=200))).renewals == ()


def test_what_is_learned_survives_a_page():
    found = told(paid(210, 180, 150) + due(120))
    assert Lessons.from_json(found.to_json()).renewals == found.renewals
    assert Lessons.of([found, told([])]).renewals == found.renewals
    page = found.to_json()
    earlier = page | {"renewals": [one[:3] for one in page["renewals"]]}
    assert Lessons.from_json(earlier).renewals == tuple(
        one._replace(known_at=None) for one in found.renewals
    )


@pytest.mark.parametrize("every", [7, 30, 90, 365])
def test_no_renewal_teaches_before_it_is_known_what_came_of_it(every):
    grace = 15
    for phase in range(every):
        days = range(phase, phase + 6 * every, every)
        for one in told(paid(*days) + due(phase - every)).renewals:
            known, seen_at = parse_instant(one.known_at), parse_instant(one.at)
            assert known <= NOW
            assert known - seen_at == (min(30, every // 2) + grace + 1) * DAY


@pytest.mark.parametrize(("days", "teach"), [(15, 0), (16, 1)])
def test_who_left_and_who_stayed_teach_from_the_same_day_on(days, teach):
    assert len(seen(told(paid(days + 200) + due(days)))) == teach
    assert len(seen(told(paid(days + 200, days) + due(days - 200)))) == teach


def falls_tell(known_after):
    """Looks of an hour each, the newest 32 days ago, and after how many days they are known."""
    chance = Random(4)
    for n in range(4000):
        at, use = NOW - timedelta(days=32, hours=n), chance.uniform(0, 2)
        left = chance.random() < (0.4 if use < 0.6 else 0.05)
        known_at = iso(at + known_after * DAY) if known_after else None
        row = {"renewal:survived": chance.randrange(12), "renewal:usage": use}
        yield RenewalSnapshot(iso(at), left, row, known_at)


@pytest.mark.parametrize(("known_after", "unseen"), [(31, 0), (45, 13 * 24), (None, 13 * 24)])
def test_a_model_is_held_against_the_one_in_force_by_what_came_to_be_known_since(
    known_after, unseen
):
    """Of which the newer half judges; a page that does not tell is taken to know it latest."""
    renewals = tuple(sorted(falls_tell(known_after)))
    before = foreseen(Lessons(renewals=renewals), POLICY, {}, NOW)
    assert before["model_cards"]["renewals"]["passed"]
    found = foreseen(Lessons(renewals=renewals), POLICY, before, NOW + DAY, anew=True)
    sentence = found["model_cards"]["renewals"]["sentences"][-1]["en"]
    left = sum(one.left for one in renewals[len(renewals) - unseen // 2 :])
    assert sentence.endswith(f": {left} of the 30 new cases of either outcome that are needed")


def test_pages_of_renewals_that_tell_of_other_attributes_too_teach_of_known_ones_alone():
    renewals = tuple(sorted(falls_tell(31)))
    told_more = [one._replace(row={**one.row, "status": str(one.left)}) for one in renewals]
    found, before = (foreseen(Lessons(renewals=tuple(some)), POLICY, {}, NOW)
                     for some in (renewals, told_more))  # fmt: skip
    assert found == before
    assert "renewals" in found


@settings(max_examples=80)
@given(subscribers, st.integers(1, 200))
def test_nothing_that_came_after_a_look_is_in_its_row(rows, days):
    day = NOW.date() - days * DAY
    begins = NOW.replace(hour=0, minute=0) - days * DAY
    earlier = [one for one in rows if one["type"] == "contact" or happened(one) < iso(begins)]
    whole, part = (
        renewal_at(day, profile_of(SUBJECT, fact_set(some), NOW)[0], POLICY, 2, missed=False)
        for some in (rows, earlier)
    )
    assert whole == part


def happened(row):
    told_at = row["data"].get("opened_at") or row["data"].get("answered_at")
    return iso(parse_instant(told_at)) if told_at else row["occurred_at"]


PEOPLE, LEAVE_IDLE, LEAVE_BUSY = 1500, 0.3, 0.04


def life(chance, number):
    """Months of somebody who uses it weekly, but in some months stops before the half."""
    start = chance.uniform(60, 800)
    day, rows, made = start, [], itertools.count()
    while True:
        rows.append(bought(f"o{next(made)}", ago(days=day)))
        idle = chance.random() < 0.25
        uses = [day - 7 * n for n in range(4) if not (idle and n)]
        rows += [activity("page.viewed", ago(days=at), f"v{at:.3f}") for at in uses if at > 0]
        day -= 30
        if day <= 0 or chance.random() < (LEAVE_IDLE if idle else LEAVE_BUSY):
            renewal = (ago(days=day)).date().isoformat()
            subject = Ref(SUBJECT.connection, "contact", str(number))
            rows.append(contact(reset_at=renewal) | {"id": subject.id})
            return subject, [one | {"subject": str(subject)} for one in rows]


@pytest.fixture(scope="module")
def population():
    chance = Random(3)
    return dict(life(chance, number) for number in range(PEOPLE))


@pytest.fixture(scope="module")
def learned(population):
    people = [
        Collection(StoredCard.unsaved(one), fact_set(rows)) for one, rows in population.items()
    ]
    lessons = lessons_of(people, POLICY, NOW)
    return lessons, foreseen(lessons, POLICY, {}, NOW)


def test_looks_are_a_fair_sample_of_renewals(learned):
    """As many leave among them as leave at any renewal, though each left once and stayed often."""
    lessons, _ = learned
    leave = 0.25 * LEAVE_IDLE + 0.75 * LEAVE_BUSY
    left, looks = sum(one.left for one in lessons.renewals), len(lessons.renewals)
    assert left / looks == pytest.approx(leave, abs=3 * math.sqrt(leave * (1 - leave) / looks))


def test_a_fall_in_use_is_learned_and_foretold(learned, population):
    _, parameters = learned
    card = parameters["model_cards"]["renewals"]
    assert card["passed"], card["sentences"]
    assert card["figures"]["auc"] > 0.65
    assert any("by what they had done" in one["en"] for one in card["sentences"])
    policy, models = POLICY, FittedModels("m", parameters)
    people = paid(74, 44, 14) + due(-16)
    used = [activity("page.viewed", ago(days=7 * n + 0.5), f"v{n}") for n in range(12)]
    busy, idle = (
        score_card(SUBJECT, fact_set([*people, *some]), policy, models, NOW).prediction.churn
        for some in (used, used[4:])
    )
    assert idle > 2 * busy


def test_a_model_in_force_that_goes_by_an_attribute_not_known_from_the_start_is_given_up(learned):
    _, parameters = learned
    field = {"name": "plan", "edges": None, "values": ["x"], "weights": [0.1, 0, 0], "counts": []}
    renewals = parameters["renewals"]
    going_by_plan = {**renewals, "fields": [*renewals["fields"], field]}
    before = {**parameters, "renewals": going_by_plan}
    assert foresight.due(POLICY, parameters, NOW) == ()
    assert foresight.due(POLICY, before, NOW) == ("renewals",)
    assert "renewals" not in foreseen(Lessons(), POLICY, before, NOW)


def test_few_subscribers_leave_the_tenure_in_force_and_the_card_says_why(population):
    people = [
        Collection(StoredCard.unsaved(one), fact_set(rows))
        for one, rows in itertools.islice(population.items(), 300)
    ]
    found = foreseen(lessons_of(people, POLICY, NOW), POLICY, {}, NOW)
    assert "renewals" not in found
    told_why = found["model_cards"]["renewals"]["sentences"][0]["en"]
    assert "from 120 of each on, use and tickets count as well" in told_why
