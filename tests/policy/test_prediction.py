"""The section ``prediction`` of a page."""

import pytest

from chalicelib.policy import PolicyInvalid, compile_policy, validate
from tests.scoring.examples import starter


def page(**parts):
    made = starter(prediction=parts)
    made["attributes"]["renews_on"] = {"type": "date", "of": "contact"}
    return made


def problems(page):
    with pytest.raises(PolicyInvalid) as fault:
        validate(page)
    return [str(problem) for problem in fault.value.problems]


BOUGHT = {"count": "purchase", "at_least": 1}


def test_every_part_may_be_left_out_but_not_all():
    for part in (
        {"purchases": {}},
        {"subscriptions": {"renewal": "renews_on"}},
        {"leads": {"target": BOUGHT}},
        {"clusters": {}},
    ):
        validate(page(**part))
    (problem,) = problems(page())
    assert problem.startswith("/prediction: ")


@pytest.mark.parametrize(("currency", "rate"), [("IRR", 0.25), ("EUR", 0.1)])
def test_what_is_left_out_is_usual(currency, rate):
    asked = compile_policy(page(purchases={}, clusters={}) | {"currency": currency}).prediction
    assert (asked.purchases.family, asked.purchases.horizon_months) == ("mbg_nbd", 12)
    assert (asked.purchases.annual_rate, asked.purchases.overlap) == (rate, 0.5)
    assert (asked.clusters.low, asked.clusters.high) == (3, 8)
    assert asked.leads is None
    assert asked.deals is None
    assert asked.subscriptions is None


BROKEN = {
    "a renewal that is no date": (
        {"subscriptions": {"renewal": "job_title"}},
        "/prediction/subscriptions/renewal: job_title is no attribute of type date, write one of: renews_on",
    ),
    "an exclusion that is no attribute": (
        {"leads": {"target": BOUGHT, "exclude": ["job_titel"]}},
        "/prediction/leads/exclude/0: job_titel is not in attributes, did you mean job_title?",
    ),
    "something known that is no attribute": (
        {"leads": {"target": BOUGHT, "known": ["job_title", "contry"]}},
        "/prediction/leads/known/1: contry is nothing that a chance may go by, did you mean country?",
    ),
    "a beginning that is no date": (
        {"leads": {"target": BOUGHT, "since": "renews_onn"}},
        "/prediction/leads/since: renews_onn is no attribute of type date, did you mean renews_on?",
    ),
    "a segment that is no attribute of leads": (
        {"leads": {"target": BOUGHT, "segment": "renews_on"}},
        "/prediction/leads/segment: renews_on is no choice, boolean or text of leads, write one of: account.industry, country, job_title, lifecycle_stage",
    ),
    "deals without a funnel": (
        {"deals": {}},
        "/prediction/deals: add the section funnel, which says what stages deals are in",
    ),
    "a target of which nobody knows when it came": (
        {"leads": {"target": {"attribute": "job_title", "present": True}}},
        "/prediction/leads/target: name something that happens, as {count: purchase, at_least: 1}",
    ),
    "a target that is no condition": (
        {"leads": {"target": {"count": "purchase"}}},
        "/prediction/leads/target: say how much: write one of: at_least, at_most, between, equals",
    ),
    "clusters without room": (
        {"clusters": {"from": 5, "to": 4}},
        "/prediction/clusters: write a from that is no more than to",
    ),
    "a margin above all": (
        {"purchases": {"margin": 30}},
        "/prediction/purchases/margin: write a number of at most 1 instead of 30",
    ),
}


@pytest.mark.parametrize(("part", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_told_with_what_to_write_instead(part, problem):
    assert problems(page(**part)) == [problem]


def test_deals_are_told_for_a_year_unless_another_time_is_named():
    funnel = {"stages": {"intro": ["s1"]}}
    for section, days in (({}, 365), ({"horizon_days": 90}, 90)):
        asked = compile_policy(page(deals=section) | {"funnel": funnel}).prediction
        assert asked.deals.horizon_days == days


def test_churn_is_for_pages_that_have_it_predicted():
    mark = {"id": "leaving", "when": {"churn": ["high"]}, "text": {"en": "Leaving", "fa": "رفتنی"}}
    validate(page(purchases={}) | {"tags": [mark]})
    assert problems(page(clusters={}) | {"tags": [mark]}) == [
        "/tags/0/when/churn: add the section prediction with purchases or subscriptions"
    ]
