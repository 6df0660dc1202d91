import json

import pytest

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, version_of
from chalicelib.scoring import score_card
from tests.scoring.examples import (
    FITTED,
    NOW,
    SUBJECT,
    activity,
    ago,
    contact,
    fact_set,
    row,
    starter,
    won,
)

GOOD_FIT = [
    contact(job_title="CEO", email="a@acme.example", phone="+9821", lifecycle_stage="opportunity"),
    row("account", "7", {"employees": 400, "industry": "Retail"}, NOW, NOW),
]
BUSY = [activity("call.held", NOW), activity("form.submitted", NOW)]


def card(rows, models=FITTED, page=None):
    return score_card(SUBJECT, fact_set(rows), compile_policy(page or starter()), models, NOW)


def test_a_card_names_the_policy_and_the_models_it_was_made_with():
    assert card([]).policy == version_of(starter())
    assert (card([]).models, card([]).at) == ("cuts-1", NOW)


def test_nobody_knows_anything_yet():
    nobody = card([])
    assert (nobody.score, nobody.lead.grade, nobody.lead.temperature) == (0, "C3", "cold")
    assert (nobody.customer, nobody.rfm, nobody.tags) == (None, None, ())
    assert nobody.next_action.en == "Keep informed by newsletter"


@pytest.mark.parametrize(
    ("rows", "grade"), [(GOOD_FIT + BUSY, "A1"), (GOOD_FIT, "A3"), (BUSY, "C1")]
)
def test_the_grade_keeps_fit_and_engagement_apart(rows, grade):
    assert card(rows).lead.grade == grade


def test_who_fits_and_is_busy_is_hot():
    hot = card(GOOD_FIT + BUSY)
    assert (hot.lead.temperature, hot.next_action.en) == ("hot", "Call today")


def test_the_headline_of_a_customer_is_the_customer_score():
    customer = card([*GOOD_FIT, won("1", ago(days=3), 300_000)])
    assert customer.score == customer.customer.score != customer.lead.score
    assert customer.contributions == customer.customer.contributions
    assert set(customer.customer.components) == {"behaviour", "value"}
    assert customer.customer.confidence == 1


def test_a_component_of_which_nothing_is_known_lowers_the_confidence_not_the_score():
    page = starter()
    del page["customer"]["components"][1]["thresholds"]
    unknown = card([*BUSY, won("1", ago(days=3))], NOTHING_FITTED, page)
    assert unknown.customer.components == {"behaviour": 35}
    assert (unknown.customer.score, unknown.customer.confidence) == (35, 0.4)
    assert unknown.tags == ("class:C",)


def test_tags_are_sorted_and_written_with_hyphens():
    purchases = [won(str(index), ago(days=200 + index)) for index in range(3)]
    assert card(purchases).tags == ("class:C", "segment:at-risk")


def test_the_first_fitting_action_is_taken():
    purchases = [won(str(index), ago(days=200 + index)) for index in range(3)]
    assert card(purchases).next_action.en == "Ask what is missing and make a personal offer"


def test_a_policy_without_actions_advises_nothing():
    page = starter()
    del page["actions"]
    assert card([], page=page).next_action is None


def test_completeness_is_the_known_share_of_the_points_that_hang_on_inputs():
    # All fit rules together are worth this much, of either sign; without facts only the phone,
    # which is asked whether it is there, has an answer.
    whole = sum(abs(rule["points"]) for rule in starter()["lead"]["groups"][0]["rules"])
    assert card([]).completeness == pytest.approx(5 / whole)
    lost = {gap.id: gap.points for gap in card([]).unknown}
    assert sum(lost.values()) == pytest.approx(whole - 5)


def test_what_is_not_known_is_told_by_weight_in_words():
    title, *others = card([]).unknown
    assert (title.id, title.text.en) == ("job_title", "Job title unknown")
    assert [gap.points for gap in others] == sorted((gap.points for gap in others), reverse=True)
    known = {gap.id for gap in card(GOOD_FIT).unknown}
    assert known & {"job_title", "account.employees", "lifecycle_stage"} == set()


def test_the_account_listed_first_is_the_one_that_counts():
    accounts = [row("account", name, {"employees": size}, NOW, NOW) for name, size in
                (("7", 10), ("8", 900))]  # fmt: skip
    for order, points in ((["8", "7"], 12), (["7", "8"], 0)):
        links = row("links", "links", {"account": order})
        assert card([*accounts, links]).score == points


def test_an_accounts_own_record_is_its_account():
    from dataclasses import replace

    from chalicelib.core.facts import Fact, FactSet

    subject = replace(SUBJECT, kind="account", id="7")
    record = Fact(subject, "account", "7", NOW, {"employees": 900}, NOW)
    policy = compile_policy(starter())
    found = score_card(subject, FactSet.of([record]), policy, FITTED, NOW)
    assert found.lead.contributions[0].id == "fit.large_company"


def test_a_card_as_json_is_json():
    body = card_json(card([*GOOD_FIT, *BUSY, won("1", ago(days=3))]))
    assert json.loads(json.dumps(body)) == body
