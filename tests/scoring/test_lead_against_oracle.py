"""Chapters 0, 1 and 18: the product and the naive scorer must say the same of any lead."""

import random
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.explanation import lead_points
from tests.oracle.scorer import naive_card
from tests.scoring.examples import NOW, SUBJECT, fact_set
from tests.scoring.lead_examples import lead_pages, lead_rows
from tests.scoring.test_against_oracle import lines, on_an_edge

FITTED = NOTHING_FITTED


def card_of(page, facts, now=NOW):
    return score_card(SUBJECT, facts, compile_policy(page), FITTED, now)


@settings(max_examples=200, deadline=None)
@given(lead_pages, lead_rows)
def test_a_lead_is_what_the_naive_scorer_says(page, rows):
    validate(page)
    naive = naive_card(page, rows, None, str(SUBJECT), NOW)
    assume(not on_an_edge(naive))
    card = card_of(page, fact_set(rows))

    assert card.lead.score == naive["lead"]["score"]
    assert card.lead.computed == naive["lead"]["computed"]
    assert card.lead.grade == naive["lead"]["grade"]
    assert card.lead.temperature == naive["lead"]["temperature"]
    assert card.completeness == pytest.approx(naive["completeness"])
    assert {gap.id: gap.points for gap in card.unknown} == pytest.approx(naive["gaps"])
    assert {one.group: (one.at, one.reset) for one in card.lead.resets} == naive["begun"]
    assert {
        found.check: {"count": found.count, "examples": [one.id for one in found.examples]}
        for found in card.machine_traffic
    } == naive["machines"]


@settings(max_examples=80, deadline=None)
@given(lead_pages, lead_rows)
def test_a_leads_contributions_before_rounding_are_those_of_the_naive_scorer(page, rows):
    naive = naive_card(page, rows, None, str(SUBJECT), NOW)
    lead = assess(SUBJECT, fact_set(rows), compile_policy(page), FITTED, NOW).lead
    assert lines(lead, lead_points(lead)) == pytest.approx(naive["lead"]["contributions"])


@settings(max_examples=80, deadline=None)
@given(lead_pages, lead_rows)
def test_a_leads_contributions_sum_to_the_shown_and_to_the_computed_number(page, rows):
    lead = card_of(page, fact_set(rows)).lead
    assert sum(line.points for line in lead.contributions) == lead.score
    computed = lead.score if lead.computed is None else lead.computed
    by_rules = [line.points for line in lead.contributions if line.id != "set_by_hand"]
    assert sum(by_rules) == computed


@settings(max_examples=80, deadline=None)
@given(lead_pages, lead_rows, st.randoms(use_true_random=False))
def test_order_lateness_splits_and_repetitions_of_facts_do_not_matter(page, rows, chance):
    facts = [Fact.from_json(one) for one in rows]
    shuffled = facts * 2
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))
    merged = FactSet.of(shuffled[:cut]).merge(shuffled[cut:])
    late = FactSet.of([]).merge([]).merge(FactSet.of(reversed(facts)))
    expected = card_of(page, FactSet.of(facts))
    assert card_of(page, merged) == expected
    assert card_of(page, late) == expected


@settings(max_examples=80, deadline=None)
@given(lead_pages, lead_rows, st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_a_lead_is_silent_until_its_change_and_speaks_at_it(page, rows, shares):
    policy, facts, minute = compile_policy(page), fact_set(rows), timedelta(minutes=1)

    def speaks(at, shown):
        card = score_card(SUBJECT, facts, policy, FITTED, at)
        return publish(card, Written(shown, certain=True), policy) is not None

    first = score_card(SUBJECT, facts, policy, FITTED, NOW)
    shown = publish(first, Written({}, certain=True), policy)
    change = next_change_at(SUBJECT, facts, policy, FITTED, NOW, shown)
    quiet_for = (change - NOW if change else timedelta(days=800)) - 1.001 * minute
    if change:
        assert change > NOW
        assert speaks(change, shown)
    for share in [*shares, 1] if quiet_for > timedelta(0) else []:
        assert not speaks(NOW + share * quiet_for, shown)


@settings(max_examples=60, deadline=None)
@given(lead_pages, lead_rows, st.integers(0, 100))
def test_what_comes_late_from_before_a_reset_never_counts(page, rows, seed):
    page = page | {"lead": page["lead"] | {
        "resets": [{"id": "asked", "groups": ["engagement"], "when": {"deal": "lost"}}]
    }}  # fmt: skip
    engaged = [one for one in rows if one["type"] == "activity"]
    lost = [one for one in rows if one["type"] == "deal" and one["data"]["status"] == "lost"]
    assume(lost)
    card = card_of(page, fact_set(lost))
    assume(card.lead.resets)
    begun = card.lead.resets[0].at
    page = page | {"machine_traffic": {"off": ["burst", "unopened"]}}  # those look at the others
    early = [one for one in engaged if Fact.from_json(one).occurred_at <= begun]
    rest = [one for one in rows if one not in early]
    unsubscribed = ("email.unsubscribed", "email.complained")
    assume(not any(one["data"]["kind"] in unsubscribed for one in early))
    ids = {(one["data"]["kind"], one["id"]) for one in rest if one["type"] == "activity"}
    early = [one for one in early if (one["data"]["kind"], one["id"]) not in ids]
    random.Random(seed).shuffle(early)
    with_late, without = card_of(page, fact_set(rest + early)), card_of(page, fact_set(rest))
    assert with_late.lead.contributions == without.lead.contributions
