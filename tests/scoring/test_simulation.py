"""What a change of policy would do, and how scores of before did against what came after."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, changed_fields, publish, score_card
from chalicelib.scoring.hindsight import bought_after, until, was_there
from chalicelib.scoring.simulation import Kept, as_written, compare, simulate
from tests.scoring.examples import (
    FITTED,
    NOW,
    SUBJECT,
    activity,
    answer,
    bought,
    contact,
    fact_rows,
    fact_set,
    row,
    starter,
    won,
)

OLD = compile_policy(starter())


def edited(edit):
    page = starter()
    edit(page)
    return compile_policy(page)


GENEROUS = edited(lambda page: page["lead"]["groups"][0]["rules"][0].update(points=35))
CLASSES = edited(lambda page: page["customer"]["classes"].update(A=2, B=1))


def people(count, *rows):
    for number in range(count):
        subject = Ref("hubspot-main", "contact", str(number))
        facts = (Fact.from_json(one) for one in rows)
        yield subject, FactSet.of(_of(subject, fact) for fact in facts)


def _of(subject, fact):
    own = {"id": subject.id} if fact.type == "contact" else {}
    return replace(fact, subject=subject, **own)


CHIEF = row("contact", SUBJECT.id, {"job_title": "CEO"})


def test_nothing_changes_under_the_same_policy():
    found = simulate(people(3, CHIEF, bought("1", NOW)), OLD, OLD, FITTED, NOW)
    assert (found.subjects, found.moved, found.records_written, found.class_changed) == (3, 0, 0, 0)
    assert found.movers == ()


def test_who_moves_is_told_with_why():
    rows = [contact(job_title="CEO"), activity("page.viewed", NOW)]
    one = compare(SUBJECT, fact_set(rows), OLD, GENEROUS, FITTED, NOW)
    assert (one.before.score, one.after.score, one.by) == (20, 40, 20)
    (cause,) = one.causes
    assert (cause.id, cause.before, cause.after, cause.by) == ("fit.decision_maker", 15, 35, 20)
    assert {"score", "lead_score", "grade", "temperature"} <= set(one.written)


def test_the_furthest_come_first_and_equals_by_their_ref():
    movers = simulate(people(12, contact(job_title="CEO")), OLD, GENEROUS, FITTED, NOW).movers
    assert [one.subject.id for one in movers] == ["0", "1", "10", "11", *"234567"]


def test_migrations_count_everybody_once():
    found = simulate(people(5, CHIEF, bought("1", NOW)), OLD, CLASSES, FITTED, NOW)
    assert sum(found.matrices["class"].values()) == 5
    assert found.class_changed_share == 1
    assert found.is_surprising


def test_shares_are_of_those_who_have_a_class():
    both = [*people(4, bought("1", NOW)), *people(6, CHIEF)]
    found = simulate(both, OLD, CLASSES, FITTED, NOW)
    assert sum(before for before, _ in found.shares("class").values()) == pytest.approx(1)
    assert set(found.shares("class")) <= set("ABC")


def test_a_change_that_nobody_sees_costs_no_writes():
    renamed = compile_policy(starter(name="Another name"))
    found = simulate(people(4, contact(job_title="CEO")), OLD, renamed, FITTED, NOW)
    assert found.records_written == 0


def test_less_than_a_step_costs_no_write():
    by_two = edited(lambda page: page["lead"]["groups"][0]["rules"][0].update(points=17))
    one = compare(SUBJECT, fact_set([contact(job_title="CEO")]), OLD, by_two, FITTED, NOW)
    assert (one.by, one.written) == (2, ())


def test_what_the_crm_shows_decides_about_writes():
    facts = fact_set([contact(job_title="CEO")])
    shown = as_written(score_card(SUBJECT, facts, GENEROUS, FITTED, NOW), GENEROUS)
    assert compare(SUBJECT, facts, OLD, GENEROUS, FITTED, NOW, Kept(shown)).written == ()
    doubtful = Written({**shown.fields, "score": 3}, certain=False)
    assert "score" in compare(SUBJECT, facts, OLD, GENEROUS, FITTED, NOW, Kept(doubtful)).written


def test_the_simulation_is_json():
    found = simulate(people(3, CHIEF, bought("1", NOW)), OLD, CLASSES, FITTED, NOW)
    told = json.loads(json.dumps(found.to_json()))
    assert told["crm_writes"] == {"records": 3, "contact": 3}
    assert sum(one["subjects"] for one in told["migrations"]["class"]) == 3


@settings(max_examples=40, deadline=None)
@given(fact_rows)
def test_writes_are_those_of_publishing(rows):
    facts = fact_set(rows)
    one = compare(SUBJECT, facts, OLD, GENEROUS, FITTED, NOW)
    shown = as_written(score_card(SUBJECT, facts, OLD, FITTED, NOW), OLD)
    outgoing = publish(score_card(SUBJECT, facts, GENEROUS, FITTED, NOW), shown, GENEROUS)
    expected = set(changed_fields(outgoing, shown.fields)) if outgoing else set()
    assert set(one.written) == expected


BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)


@pytest.mark.parametrize(
    "told",
    [
        activity("page.viewed", AFTER),
        bought("1", AFTER),
        won("1", AFTER),
        answer("1", AFTER, 9),
        row("deal", "1", {"status": "open"}, AFTER, AFTER),
        row("score", "7", {}, AFTER),
    ],
    ids=lambda told: told["type"],
)
def test_what_came_later_was_not_known(told):
    assert len(until(fact_set([told]), NOW)) == 0


@pytest.mark.parametrize(
    "told",
    [
        activity("page.viewed", BEFORE),
        bought("1", BEFORE),
        won("1", BEFORE),
        answer("1", BEFORE, 9),
        row("contact", "512", {"job_title": "CEO"}, AFTER),
        row("links", "links", {"deal": ["1"]}, AFTER),
    ],
    ids=lambda told: told["type"],
)
def test_what_came_before_and_what_is_kept_only_as_it_is_now_was_known(told):
    assert len(until(fact_set([told]), NOW)) == 1


def test_a_record_alone_is_nobody_to_judge():
    assert not was_there(fact_set([contact(job_title="CEO")]))
    assert was_there(fact_set([activity("page.viewed", BEFORE)]))


def test_an_outcome_lies_within_the_horizon():
    month = timedelta(days=30)
    assert not bought_after(fact_set([bought("1", NOW)]), NOW, month)
    assert bought_after(fact_set([bought("1", AFTER)]), NOW, month)
    assert bought_after(fact_set([won("1", NOW + month)]), NOW, month)
    assert not bought_after(fact_set([bought("1", AFTER + month)]), NOW, month)


@given(st.lists(st.floats(0, 200), min_size=1, max_size=20))
def test_scoring_until_the_cutoff_is_scoring_then(ages):
    """Whoever scores at the cutoff sees nothing of what comes later anyway."""
    rows = [activity("page.viewed", NOW - timedelta(days=age), identity=str(age)) for age in ages]
    cutoff = NOW - timedelta(days=90)
    now_known, then_known = fact_set(rows), until(fact_set(rows), cutoff)
    cards = [
        score_card(SUBJECT, facts, OLD, NOTHING_FITTED, cutoff).lead.score
        for facts in (now_known, then_known)
    ]
    assert cards[0] == cards[1]
