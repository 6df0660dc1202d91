"""Segments of a policy's own on the card, in its tags and actions, and when they end."""

from datetime import timedelta

from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.publication import provisioned
from tests.scoring.examples import NOW, SUBJECT, TEXT, ago, bought, fact_set, starter

QUIET = {
    "id": "gone_quiet",
    "when": {
        "all": [{"count": "purchase", "at_least": 2}, {"last": "purchase", "longer_ago_days": 60}]
    },
    "text": TEXT,
}
DEAR = {
    "id": "dear",
    "when": {"all": [{"segment": "gone_quiet"}, {"sum": "purchase", "at_least": 100}]},
    "text": TEXT,
}


NOBODY = Written({}, certain=False)


def page(**changes):
    made = starter(segments=[QUIET, DEAR], **changes)
    validate(made)
    return made


def card(rows, made=None, now=NOW):
    return score_card(SUBJECT, fact_set(rows), compile_policy(made or page()), NOTHING_FITTED, now)


TWO_LONG_AGO = [bought("A", ago(days=90), 8_000), bought("B", ago(days=61), 8_000)]


def test_whoever_fits_is_in_the_segment_and_has_its_tag():
    found = card(TWO_LONG_AGO)
    assert found.segments[-2:] == ("gone_quiet", "dear")
    assert {"segment:gone-quiet", "segment:dear"} <= set(found.tags)
    assert not {"gone_quiet", "dear"} & set(card(TWO_LONG_AGO[:1]).segments)


def test_an_action_may_name_it_beside_the_segments_of_rfm():
    miss = {"id": "miss", "when": {"segment": ["gone_quiet"]}, "text": {"en": "Call", "fa": "تماس"}}
    else_ = {"id": "else", "when": {}, "text": TEXT}
    made = page(actions=[miss, else_])
    assert card(TWO_LONG_AGO, made).next_action.en == "Call"
    assert card(TWO_LONG_AGO[:1], made).next_action.en == TEXT["en"]


def test_the_card_says_when_somebody_comes_into_it():
    made = page()
    made["lead"]["groups"] = made["lead"]["groups"][:1]  # nothing decays
    made["lead"]["grade"]["engagement"]["groups"] = ["fit"]
    made["customer"]["components"] = made["customer"]["components"][:1]
    rows = fact_set([bought("A", ago(days=90)), bought("B", ago(days=59))])
    policy = compile_policy(made)
    written = publish(score_card(SUBJECT, rows, policy, NOTHING_FITTED, NOW), NOBODY, policy)
    change = next_change_at(SUBJECT, rows, policy, NOTHING_FITTED, NOW, written)
    assert change == NOW + timedelta(days=1)


def test_the_crm_gets_a_choice_for_its_tag():
    (tags,) = (row for row in provisioned(compile_policy(page()), "contact") if row.name == "tags")
    assert "segment:gone-quiet" in [choice.value for choice in tags.choices]


def test_a_rule_goes_by_it():
    made = page()
    rule = {"id": "quiet", "when": {"segment": "gone_quiet"}, "points": 10, "text": TEXT}
    made["lead"]["groups"][0]["rules"].append(rule)
    lines = [line.id for line in card(TWO_LONG_AGO, made).lead.contributions]
    assert "fit.quiet" in lines
