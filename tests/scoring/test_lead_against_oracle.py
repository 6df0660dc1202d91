"""Chapters 0, 1 and 18: the product and the naive scorer must say the same of any lead."""

from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.explanation import lead_points
from tests.oracle.scorer import naive_card
from tests.scoring.examples import NOW, SUBJECT, activity, assert_well_formed, fact_set, row
from tests.scoring.lead_examples import doings, lead_pages, lead_rows
from tests.scoring.test_against_oracle import lines, on_an_edge

FITTED = NOTHING_FITTED


def card_of(page, facts, now=NOW):
    return score_card(SUBJECT, facts, compile_policy(page), FITTED, now)


@settings(max_examples=150)
@given(lead_pages, lead_rows)
def test_a_lead_is_what_the_naive_scorer_says(page, rows):
    assert_well_formed(page)
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


@settings(max_examples=80)
@given(lead_pages, lead_rows)
def test_a_leads_contributions_before_rounding_are_those_of_the_naive_scorer(page, rows):
    naive = naive_card(page, rows, None, str(SUBJECT), NOW)
    lead = assess(SUBJECT, fact_set(rows), compile_policy(page), FITTED, NOW).lead
    assert lines(lead, lead_points(lead)) == pytest.approx(naive["lead"]["contributions"])


@settings(max_examples=80)
@given(lead_pages, lead_rows)
def test_a_leads_contributions_sum_to_the_shown_and_to_the_computed_number(page, rows):
    lead = card_of(page, fact_set(rows)).lead
    assert sum(line.points for line in lead.contributions) == lead.score
    computed = lead.score if lead.computed is None else lead.computed
    by_rules = [line.points for line in lead.contributions if line.id != "set_by_hand"]
    assert sum(by_rules) == computed


@settings(max_examples=80)
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


@settings(max_examples=80)
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


BEGUN = NOW - timedelta(days=1)
LOST = row("deal", "1", {"status": "lost", "closed_at": iso(BEGUN)}, NOW, NOW)
early = st.builds(
    activity,
    st.sampled_from(["email.opened", "page.viewed"]),
    st.integers(0, 10_000).map(lambda minutes: BEGUN - timedelta(minutes=minutes)),
    st.integers(1, 9).map(lambda number: f"early-{number}"),
)


@settings(max_examples=60)
@given(lead_pages, st.lists(doings, max_size=15), st.lists(early, max_size=8))
def test_what_comes_late_from_before_a_reset_never_counts(page, rows, late):
    resets = [{"id": "lost", "groups": ["engagement"], "when": {"deal": "lost"}}]
    page = page | {"lead": page["lead"] | {"resets": resets}}
    before = card_of(page, fact_set([LOST, *rows]))
    after = card_of(page, fact_set([LOST, *rows, *late]))
    assert [one.at for one in after.lead.resets] == [BEGUN]
    assert after.lead == before.lead
