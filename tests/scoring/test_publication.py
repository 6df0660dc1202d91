from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.outputs import OUTPUTS, WHY_LIMIT, Trigger
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, changed_fields, outputs, publish, score_card
from chalicelib.scoring.publication import provisioned
from tests.scoring import foretold
from tests.scoring.examples import (
    FITTED,
    LOYALTY,
    NOW,
    PRIORITY,
    SUBJECT,
    activity,
    ago,
    contact,
    fact_rows,
    fact_set,
    pages,
    starter,
    won,
)

PREDICTION = {"purchases": {}, "clusters": {}}
TOPICS = {"step": 5, "profile": "full", "topics": True}
POLICY = compile_policy(
    starter(priority=PRIORITY, loyalty=LOYALTY, prediction=PREDICTION, publish=TOPICS)
)
MODELS = FittedModels("learned", {**FITTED.parameters, **foretold.LEARNED})
ROWS = [
    contact(job_title="CEO", email="a@acme.example"),
    activity("form.submitted", ago(days=3)),
    won("1", ago(days=12)),
]
CARD = score_card(SUBJECT, fact_set(ROWS), POLICY, MODELS, NOW)
SHOWN = publish(CARD, Written({}, certain=True), POLICY)


def scored(score):
    return replace(CARD, customer=replace(CARD.customer, score=score))


def written(**changes):
    return Written({**SHOWN, **changes}, certain=True)


def test_the_first_time_all_outputs_are_written():
    assert set(SHOWN) == {row.name for row in OUTPUTS}
    assert SHOWN["trend"] == "steady"


def test_how_far_it_is_to_a_tier_is_written_alone_unless_tiers_go_by_the_score():
    tiers = LOYALTY["tiers"] | {"metric": "score"}
    loyalty = LOYALTY | {"tiers": tiers}
    by_score = compile_policy(
        starter(priority=PRIORITY, loyalty=loyalty, prediction=PREDICTION, publish=TOPICS)
    )
    moved = written(tier_progress="42 of 100 to Silver")
    assert publish(CARD, moved, POLICY)["tier_progress"] is None
    assert publish(CARD, moved, by_score) is None


def test_without_a_loyalty_programme_nothing_of_it_is_published():
    without = outputs(compile_policy(starter(priority=PRIORITY)), "contact")
    assert set(without) == {row for row in OUTPUTS if row.of is None}


def test_the_field_and_the_tags_of_tiers_offer_the_levels_of_the_policy():
    rows = {row.name: {one.value for one in row.choices} for row in provisioned(POLICY, "contact")}
    assert rows["tier"] == {"bronze", "silver"}
    assert {"tier:bronze", "tier:silver"} <= rows["tags"]


def test_a_programme_without_tiers_asks_for_no_field_of_them():
    pointed = compile_policy(starter(loyalty={"earning": LOYALTY["earning"]}))
    names = {row.name for row in provisioned(pointed, "contact")}
    assert "points" in names
    assert not names & {"tier", "tier_valid_until", "tier_progress"}
    assert {row.name for row in outputs(pointed, "contact")} == names


def test_what_the_crm_shows_already_is_not_written_again():
    assert publish(CARD, written(), POLICY) is None


def test_whatever_cannot_be_relied_on_is_written_again():
    assert publish(CARD, Written(SHOWN, certain=False), POLICY) == SHOWN


@pytest.mark.parametrize(
    ("before", "after", "speaks"),
    [
        (50, 54, False),
        (50, 55, True),
        (50, 46, False),
        (50, 45, True),
        (3, 0, True),
        (98, 100, True),
    ],
)
def test_a_score_is_written_when_it_moved_by_the_step_or_came_to_an_end(before, after, speaks):
    shown = {**SHOWN, "score": before, "customer_score": before}
    assert (publish(scored(after), Written(shown, True), POLICY) is not None) is speaks


@pytest.mark.parametrize("name", [row.name for row in OUTPUTS if row.trigger is Trigger.FOLLOW])
def test_followers_are_no_reason_to_write(name):
    assert publish(CARD, written(**{name: "something else"}), POLICY) is None


@pytest.mark.parametrize("name", [row.name for row in OUTPUTS if row.trigger is Trigger.ANY])
def test_any_other_change_is_written(name):
    assert publish(CARD, written(**{name: "something else"}), POLICY) is not None


def test_no_tags_are_no_news_to_a_crm_that_shows_an_empty_field():
    assert publish(replace(CARD, tags=()), written(tags=None, topics=None), POLICY) is None


@pytest.mark.parametrize("name", [row.name for row in OUTPUTS if row.trigger is Trigger.STEP])
def test_a_score_that_appears_is_written(name):
    by_hand = replace(CARD, lead=replace(CARD.lead, computed=40))
    shown = written(**{"computed_score": 40, name: None})
    assert publish(by_hand, shown, POLICY) is not None


def test_small_changes_add_up():
    """The step is counted from what the CRM shows, not from the last card."""
    shown = {**SHOWN, "score": 50, "customer_score": 50}
    spoken = [publish(scored(score), Written(shown, True), POLICY) for score in (52, 54, 56)]
    assert [fields is not None for fields in spoken] == [False, False, True]


@pytest.mark.parametrize(
    ("before", "trend"), [(CARD.score - 10, "rising"), (CARD.score + 10, "falling")]
)
def test_the_trend_compares_with_what_was_written(before, trend):
    assert publish(CARD, written(score=before), POLICY)["trend"] == trend


def test_the_trend_stays_while_the_score_does():
    fields = publish(CARD, written(trend="falling", grade="C3"), POLICY)
    assert fields["trend"] == "falling"


def test_the_minimal_profile_is_the_minimal_outputs():
    minimal = compile_policy(starter(publish={"step": 5, "profile": "minimal"}))
    fields = publish(CARD, Written({}, certain=True), minimal)
    assert set(fields) == {"score", "class", "why", "updated"}


@pytest.mark.parametrize("profile", ["full", "minimal"])
def test_topics_are_the_tags_and_only_where_the_policy_asks(profile):
    asked = compile_policy(starter(publish={**TOPICS, "profile": profile}))
    silent = compile_policy(starter(publish={"step": 5, "profile": profile}))
    assert publish(CARD, Written({}, certain=True), asked)["topics"] == CARD.tags != ()
    assert "topics" not in publish(CARD, Written({}, certain=True), silent)
    assert "topics" in {row.name for row in provisioned(asked, "contact")}
    assert "topics" not in {row.name for row in provisioned(silent, "contact")}


def test_topics_are_cleared_once_when_they_are_asked_for_no_more():
    silent = compile_policy(starter(priority=PRIORITY, loyalty=LOYALTY, prediction=PREDICTION))
    cleared = publish(CARD, written(), silent)
    assert cleared["topics"] is None
    assert publish(CARD, written(**cleared), silent) is None


@pytest.mark.parametrize("profile", ["full", "minimal"])
def test_topics_keep_what_tags_keep(profile):
    """The class that stands since the new one is not well founded, and a faded preference."""
    policy = compile_policy(starter(publish={**TOPICS, "profile": profile}))
    customer = replace(CARD.customer, class_="B", confidence=0.1)
    card = replace(
        CARD,
        customer=customer,
        tags=("class:B", "influencer"),
        staying_tags=("product:tea", "product:nuts"),
    )
    tags = ("class:A", "product:tea")
    shown = {"class": "A", "tags": tags, "topics": tags, "lead_score": 1}
    fields = publish(card, Written(shown, certain=True, founded_at=NOW), policy)
    assert fields["topics"] == ("class:A", "influencer", "product:tea")
    assert fields.get("tags", fields["topics"]) in (fields["topics"], None)


def test_outputs_that_do_not_apply_to_a_kind_are_not_published():
    assert outputs(POLICY, "deal") == ()


def test_only_the_difference_is_set():
    outgoing = {**SHOWN, "grade": "C1", "why": "other words"}
    assert changed_fields(outgoing, SHOWN) == {"grade": "C1", "why": "other words"}


def test_a_difference_of_followers_alone_is_none():
    assert changed_fields({**SHOWN, "why": "other words", "updated": "later"}, SHOWN) == {}


def test_a_follower_that_was_never_shown_is_a_reason_to_write_where_it_has_a_value():
    shown = {**publish(CARD, Written({}, True), POLICY)}
    assert publish(CARD, Written(shown, True), POLICY) is None
    for name in ("why", "updated"):
        rest = {key: value for key, value in shown.items() if key != name}
        outgoing = publish(CARD, Written(rest, True), POLICY)
        assert changed_fields(outgoing, rest) == {name: shown[name]}
    assert publish(CARD, Written({**shown, "why": None}, True), POLICY) is None


def test_an_instant_of_which_the_crm_keeps_no_less_than_a_second_is_not_set_again():
    outgoing = {**SHOWN, "grade": "C1", "updated": "2026-03-21T12:00:00.250Z"}
    shown = {**SHOWN, "updated": "2026-03-21T12:00:00.000Z"}
    assert changed_fields(outgoing, shown) == {"grade": "C1"}
    for other in ("2026-03-21T11:59:59.000Z", "2026-03-21T12:00:00.100Z", "somebody's words"):
        assert "updated" in changed_fields(outgoing, {**SHOWN, "updated": other})


def test_a_field_that_was_never_shown_is_set():
    assert changed_fields({"grade": "B2"}, {}) == {"grade": "B2"}


def test_the_language_of_the_policy_decides_the_words():
    persian = compile_policy(starter(language="fa"))
    card = score_card(SUBJECT, fact_set(ROWS), persian, FITTED, NOW)
    fields = publish(card, Written({}, certain=True), persian)
    assert "خرید" in fields["why"]
    assert "Welcome" in SHOWN["next_action"]
    assert fields["next_action"] == "خوشامد بگویید و به خرید دوم راهنمایی کنید"


@settings(max_examples=50)
@given(pages, fact_rows, st.integers(0, 60 * 1440))
def test_publishing_what_was_just_published_is_silent(page, rows, minutes):
    policy = compile_policy(page)
    card = score_card(SUBJECT, fact_set(rows), policy, FITTED, NOW + timedelta(minutes=minutes))
    fields = publish(card, Written({}, certain=True), policy)
    assert fields is not None
    assert publish(card, Written(fields, certain=True), policy) is None
    assert len(fields["why"]) <= WHY_LIMIT


def test_what_a_smaller_profile_leaves_out_is_cleared_once():
    full, minimal = compile_policy(starter()), compile_policy(minimal_page())
    card = score_card(SUBJECT, fact_set(ROWS), full, FITTED, NOW)
    shown = publish(card, Written({}, certain=True), full)
    cleared = publish(card, Written(shown, certain=True), minimal)
    assert cleared["lead_score"] is None
    assert cleared["score"] == shown["score"]
    assert publish(card, Written({**shown, **cleared}, certain=True), minimal) is None


def minimal_page():
    page = starter()
    page["publish"] = {**page["publish"], "profile": "minimal"}
    return page


@pytest.mark.parametrize("row", OUTPUTS, ids=lambda row: row.name)
def test_no_two_choices_of_an_output_look_alike(row):
    """HubSpot refuses a property of which two options share a label."""
    for told in ("value", "label.en", "label.fa"):
        seen = [attrgetter(told)(choice) for choice in row.choices]
        assert len(set(seen)) == len(seen)
