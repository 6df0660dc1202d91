"""Chapter 15, segments as tags: whoever fits a tag of the policy is marked with it."""

from datetime import timedelta

import pytest

from chalicelib.core.outputs import OUTPUTS
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.publication import provisioned
from tests.scoring.examples import FITTED, NOW, SUBJECT, activity, ago, fact_set, row, starter, won

FUNNEL = {"stages": {"offer": ["s3"]}, "stalled_days": {"offer": 14}}
WIDE = {"step": 100, "profile": "full"}
CALLS = [activity("call.held", ago(days=n)) for n in range(4)]
BEST = [won(str(n), ago(days=n), 100_000) for n in range(10)] + [
    activity("call.held", ago(days=n)) for n in range(10)
]


def tag(identity, **when):
    return {"id": identity, "when": when, "text": {"en": identity, "fa": identity}}


def page(*tags, **sections):
    made = starter(tags=list(tags), **sections)
    validate(made)
    return compile_policy(made)


def marks(policy, *rows, now=NOW):
    card = score_card(SUBJECT, fact_set(rows), policy, FITTED, now)
    return [one for one in card.tags if one.startswith("mark:")]


def deal(at):
    return row("deal", "5", {"status": "open", "stage": "s3", "pipeline": "p"}, at, at)


def test_15_the_starter_policy_marks_the_best_customers_as_vip_and_loyal():
    assert marks(compile_policy(starter()), *BEST) == ["mark:loyal", "mark:vip"]
    assert marks(compile_policy(starter()), BEST[0]) == []


def test_15_all_conditions_of_a_tag_must_hold_and_none_fits_everybody():
    policy = page(
        tag("all"),
        tag("cold_ones", temperature=["cold"]),
        tag("bad_a", temperature=["cold"], **{"class": ["A"]}),
    )
    assert marks(policy) == ["mark:all", "mark:cold-ones"]


def test_15_tags_and_actions_may_ask_for_a_stage_and_the_crm_hears_when_it_stalls():
    text = {"en": "Ask", "fa": "بپرسید"}
    action = {"id": "ask", "when": {"stage": ["offer_stalled"]}, "text": text}
    stuck = tag("stuck", stage=["offer_stalled"])
    policy, facts = page(stuck, actions=[action], funnel=FUNNEL), fact_set([deal(ago(days=13))])
    card = score_card(SUBJECT, facts, policy, NOTHING_FITTED, NOW)
    shown = publish(card, Written({}, certain=True), policy)
    assert (shown["tags"], shown["next_action"]) == ((), None)
    at = next_change_at(SUBJECT, facts, policy, NOTHING_FITTED, NOW, shown)
    later = publish(
        score_card(SUBJECT, facts, policy, NOTHING_FITTED, at), Written(shown, True), policy
    )
    assert (later["tags"], later["next_action"]) == (("mark:stuck",), "Ask")


def test_15_a_stage_needs_the_section_that_has_it():
    with pytest.raises(PolicyInvalid, match="/tags/0/when/stage: add the section funnel"):
        page(tag("stuck", stage=["offer"]))


def test_15_a_tag_stands_once():
    with pytest.raises(PolicyInvalid, match="stands above"):
        page(tag("vip"), tag("vip"))


def test_15_every_tag_of_a_policy_is_provisioned_under_a_label_of_its_own():
    (row_,) = [
        one for one in provisioned(compile_policy(starter()), "contact") if one.name == "tags"
    ]
    added = {one.value: one.label for one in row_.choices}
    assert {"mark:vip", "mark:loyal"} <= added.keys()
    for language in ("en", "fa"):
        assert len({label.in_language(language) for label in added.values()}) == len(added)


def test_15_a_policy_without_tags_gives_the_ones_that_all_have():
    (row_,) = [one for one in OUTPUTS if one.name == "tags"]
    assert row_ in provisioned(page(), "contact")


def test_15_while_the_crm_holds_a_better_class_a_tag_still_goes_by_the_class_of_now():
    made = starter(tags=[tag("middle", **{"class": ["B"]})], actions=[], publish=WIDE)
    behaviour, value = made["customer"]["components"]
    made["customer"]["components"] = [behaviour, value | {"weight": 1}]
    made["customer"]["components"].append({"id": "happy", "model": "satisfaction", "weight": 99})
    policy, facts = compile_policy(made), fact_set([won("1", ago(days=1)), *CALLS])

    def at(now, shown):
        card = score_card(SUBJECT, facts, policy, NOTHING_FITTED, now)
        return card, publish(card, Written(shown, True, founded_at=NOW), policy)

    card, shown = at(NOW, {"class": "A"})
    assert (card.customer.class_, shown["class"]) == ("B", "A")
    assert "mark:middle" in shown["tags"]
    now = NOW
    while "mark:middle" in shown["tags"]:
        then = next_change_at(SUBJECT, facts, policy, NOTHING_FITTED, now, shown, NOW)
        assert at(then - timedelta(minutes=1), shown)[1] is None
        now, shown = then, at(then, shown)[1]
    assert (at(now, shown)[0].customer.class_, shown["class"]) == ("C", "A")
