"""Chapter 15: stages of the funnel, entering and leaving them, and staying for too long."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.facts import iso
from chalicelib.core.funnel import FunnelPolicy
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.funnel import sightings, stand, stays
from tests.oracle.pipeline_value import naive_stays
from tests.scoring.examples import NOW, SUBJECT, ago, fact_set, row, starter

DAY = timedelta(days=1)
STAGES = {"intro": ["s1"], "trial": ["s2"], "offer": ["s3", "other/s1"], "negotiation": ["s4"]}
POLICY = FunnelPolicy(
    {one: stage for stage, ids in STAGES.items() for one in ids},
    recent_days=7,
    stalled_days={"offer": 14},
)


def page():
    made = starter(funnel={"stages": STAGES, "stalled_days": {"offer": 14}})
    validate(made)
    return compile_policy(made)


def deal(stage, at, identity="5", status="open", **more):
    data = {"status": status, "stage": stage, "pipeline": "default", **more}
    return row("deal", identity, data, NOW, at)


def known(*rows):
    """As a collection that saw these readings one after the other."""
    facts = fact_set(rows)
    readings = [next(iter(fact_set([one]))) for one in rows]
    return facts.merge(sightings(readings))


def card(*rows, now=NOW):
    return score_card(SUBJECT, known(*rows), page(), NOTHING_FITTED, now)


def test_15_the_stage_is_that_of_the_most_advanced_open_deal():
    rows = [deal("s1", ago(days=1), "1"), deal("s3", ago(days=9), "2"), deal("s2", NOW, "3")]
    assert card(*rows).stage == "offer"
    assert "stage:offer" in card(*rows).segments


def test_15_a_stage_may_be_named_with_its_pipeline():
    assert stand(known(deal("s1", NOW, pipeline="other")), POLICY, NOW).stage == "offer"


def test_15_closed_deals_and_unknown_stages_are_nowhere():
    assert card(deal("s3", NOW, status="won")).stage is None
    assert card(deal("s9", NOW)).stage is None


def test_15_a_deal_that_is_edited_stays_in_its_stage_since_it_was_first_seen_there():
    rows = [deal("s3", ago(days=30)), deal("s3", ago(days=2), note="edited")]
    assert stand(known(*rows), POLICY, NOW).since == ago(days=30)


def test_15_where_the_crm_tells_when_it_was_entered_that_counts():
    at = "2026-03-01T00:00:00Z"
    assert stand(known(deal("s3", ago(days=2), entered_at=at)), POLICY, NOW).since.day == 1


def test_15_a_subject_has_just_entered_and_left_for_a_week():
    rows = [deal("s1", ago(days=20)), deal("s3", ago(days=7) + DAY / 24)]
    assert set(card(*rows).segments) == {"stage:offer", "stage:offer:entered", "stage:intro:left"}
    assert card(*rows, now=NOW + DAY / 24).segments == ("stage:offer",)


def test_15_a_deal_that_went_back_has_left_and_entered_again():
    rows = [deal("s3", ago(days=20)), deal("s1", ago(days=10)), deal("s3", ago(days=1))]
    found = stays(known(*rows), POLICY)
    assert [one.stage for one in found] == ["offer", "intro", "offer"]
    assert stand(known(*rows), POLICY, NOW).since == ago(days=1)


def test_15_n_days_in_stage_are_over_at_the_instant_itself_and_the_crm_hears_of_it():
    rows = [deal("s3", ago(days=10))]
    shown = publish(card(*rows), Written({}, certain=True), page())
    assert shown["stage_segment"] == "offer"
    at = NOW + 4 * DAY
    assert next_change_at(SUBJECT, known(*rows), page(), NOTHING_FITTED, NOW, shown) == at
    before = publish(card(*rows, now=at - DAY / 1440), Written(shown, certain=True), page())
    after = publish(card(*rows, now=at), Written(shown, certain=True), page())
    assert before is None
    assert after["stage_segment"] == "offer_stalled"


def test_15_a_stage_that_is_entered_ahead_of_our_clock_begins_then_and_the_crm_hears_of_it():
    at = NOW + DAY / 24
    rows = [deal("s3", NOW, entered_at=iso(at))]
    assert card(*rows).stage is None
    shown = publish(card(*rows), Written({}, certain=True), page())
    assert next_change_at(SUBJECT, known(*rows), page(), NOTHING_FITTED, NOW, shown) == at
    assert card(*rows, now=at).stage == "offer"


def test_15_a_deal_without_a_link_any_more_is_nowhere():
    links = row("links", "links", {"deal": []})
    assert card(deal("s3", NOW), links).stage is None


def test_15_a_policy_without_a_funnel_says_nothing_of_stages():
    found = score_card(
        SUBJECT, known(deal("s3", NOW)), compile_policy(starter()), NOTHING_FITTED, NOW
    )
    assert (found.stage, found.forecast, found.segments) == (None, None, ())


readings = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["s1", "s2", "s3", "s9"]),
        st.sampled_from(["open", "won"]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[0],
)


@given(readings, st.randoms())
def test_15_the_history_is_the_naive_one_in_whatever_order_it_came(seen, random):
    rows = [deal(stage, ago(days=days), status=status) for days, stage, status in seen]
    names = {one: stage for stage, ids in STAGES.items() for one in ids}
    expected = naive_stays(
        [(ago(days=d), names.get(s) if status == "open" else None) for d, s, status in seen]
    )
    shuffled = random.sample(rows, len(rows)) + rows[:2]
    found = stays(known(*shuffled), POLICY)
    assert [(one.stage, one.entered, one.left) for one in found] == expected


@pytest.mark.parametrize("ids", [{"intro": ["a"], "offer": ["a"]}])
def test_15_a_stage_of_the_crm_is_mapped_once(ids):
    with pytest.raises(PolicyInvalid, match="stands twice"):
        validate(starter(funnel={"stages": ids}))
