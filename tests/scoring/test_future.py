"""What a buyer is worth: what was realised, what is to come with its two parts, less costs."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import FittedModels
from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import Lessons, taught_by
from chalicelib.policy import compile_policy
from chalicelib.scoring import outputs, score_card
from chalicelib.scoring.future import bought_in
from tests.oracle.purchase_models import naive_expected
from tests.scoring import foretold
from tests.scoring.chapters.test_chapter_09_forecast import FUNNEL, ODDS, deal
from tests.scoring.examples import NOW, SUBJECT, bought, fact_set, starter

UTC = ZoneInfo("UTC")
STAGES = {"stages": {"p": ODDS, "remaining_days": {}, "n": 90}}
MODEL = foretold.LEARNED["purchases"]
SPEND = foretold.LEARNED["spend"]
VALUE = {"id": "value", "model": "value", "thresholds": [10]}


def page(**section):
    return starter(funnel=FUNNEL, prediction={"purchases": section})


def card(rows, policy_page=None, **changed):
    learned = {**foretold.LEARNED, **STAGES, **changed}
    policy = compile_policy(policy_page or page())
    return score_card(SUBJECT, fact_set(rows), policy, FittedModels("m", learned), NOW)


def bought_on(*days_ago, amount=10_000):
    return [bought(f"o{n}", NOW - timedelta(days=ago), amount) for n, ago in enumerate(days_ago)]


def naive_value(days_ago, amount, months, rate):
    """Month by month, as of Monday: NOW is a Saturday, five days after it."""
    ago = sorted((days - 5 for days in days_ago), reverse=True)
    x = len(ago) - 1
    who = x, (ago[0] - ago[-1]) / 7, ago[0] / 7
    spent = SPEND["p"] * (SPEND["v"] + x * amount) / (SPEND["p"] * x + SPEND["q"] - 1)
    total, before = 0.0, 0.0
    for month in range(1, months + 1):
        family = [MODEL[name] for name in ("family", "r", "alpha", "a", "b")]
        until = naive_expected(*family, who, month * 30.4375 / 7)
        total += (until - before) / (1 + rate) ** (month / 12)
        before = until
    return spent * total


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(6, 500), min_size=2, max_size=6, unique=True),
       st.sampled_from([6, 12]), st.sampled_from([0, 0.25]), st.sampled_from([0.4, 1]))  # fmt: skip
def test_the_value_of_purchases_to_come_is_the_naive_sum(days_ago, months, rate, margin):
    asked = page(horizon_months=months, annual_rate=rate, margin=margin)
    found = card(bought_on(*days_ago), asked).prediction.outlook
    naive = margin * naive_value(days_ago, 10_000, months, rate)
    assert found.model.amount == pytest.approx(naive, rel=1e-6, abs=1)
    assert found.realised.amount == 10_000 * len(days_ago)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([0, 0.5, 1]), st.integers(0, 60_000))
def test_what_is_to_come_is_both_parts_less_what_both_count(overlap, amount):
    rows = [*bought_on(20, 60, 90), deal("9", "s3", amount)]
    found = card(rows, page(overlap=overlap)).prediction.outlook
    pipeline = amount * 0.5
    both = overlap * min(found.model.amount, pipeline)
    assert found.pipeline.amount == pytest.approx(pipeline, abs=1)
    assert found.value.amount == pytest.approx(found.model.amount + pipeline - both, abs=2)
    assert found.total.amount == found.realised.amount + found.value.amount


def test_known_costs_are_taken_from_the_whole_and_not_from_what_is_to_come():
    rows = bought_on(20, 60, 90)
    ticket = {"subject": str(SUBJECT), "type": "ticket", "id": "t", "occurred_at": NOW.isoformat(),
              "data": {"status": "open", "opened_at": (NOW - timedelta(days=3)).isoformat()}}  # fmt: skip
    with_costs = page() | {"customer": page()["customer"] | {
        "components": [VALUE | {"costs": {"per_ticket": 30}}]}}  # fmt: skip
    plain, found = (card([*rows, ticket], one).prediction.outlook for one in (page(), with_costs))
    assert (plain.costs.amount, found.costs.amount) == (0, 3000)
    assert found.value == plain.value
    assert found.total.amount == plain.total.amount - 3000


def test_a_card_tells_between_which_sums_the_value_will_lie():
    alone = card(bought_on(20, 60, 90)).prediction.outlook
    low, high = alone.likely
    assert (low.amount, low.currency) == (0, "USD")
    assert alone.model.amount < high.amount < 10 * alone.model.amount
    sure = card([*bought_on(20, 60, 90), deal("9", "s3", 800_000)]).prediction.outlook
    assert sure.likely[1].amount > high.amount
    told = card_json(card(bought_on(20, 60, 90)))["prediction"]["outlook"]
    assert told["likely"] == {"low": low.to_json(), "high": high.to_json()}


@pytest.mark.parametrize(
    "changed",
    [
        {"purchases": {**MODEL, "method": "rate", "rate": 0.1, "tau": 26, "median_gap": 6}},
        {"spend": {"method": "shrunken", "mean": 9_000.0, "currency": "USD"}},
    ],
)
def test_where_no_chances_are_fitted_no_range_is_told(changed):
    assert card(bought_on(20, 60, 90), **changed).prediction.outlook.likely is None


def test_a_sum_in_another_currency_is_left_out_of_the_mean():
    """Of four purchases after the first one two are in euros, whose worth nobody knows."""
    dollars = [
        bought(f"d{n}", NOW - timedelta(days=ago), 10_000) for n, ago in enumerate((300, 100, 30))
    ]
    euros = [
        bought(f"e{n}", NOW - timedelta(days=ago), 9, "EUR") for n, ago in enumerate((200, 60))
    ]
    found = card([*dollars, *euros]).prediction.outlook
    naive = SPEND["p"] * (SPEND["v"] + 2 * 10_000) / (SPEND["p"] * 2 + SPEND["q"] - 1)
    assert found.spend.amount == pytest.approx(naive, abs=1)
    assert found.realised.amount == 30_000


@pytest.mark.parametrize(("currency", "counted"), [("USD", [100, 400, 800]), ("IRR", [400, 800])])
def test_where_prices_rise_a_mean_is_of_the_year_up_to_the_last_purchase(currency, counted):
    policy = compile_policy(page() | {"currency": currency})
    amounts = {900: 50, 800: 100, 400: 400, 300: 800}
    rows = [bought(f"o{ago}", NOW - timedelta(days=ago), 1000 * one, currency)
            for ago, one in amounts.items()]  # fmt: skip
    spend = {"method": "shrunken", "mean": 0.0, "currency": currency}
    models = FittedModels("m", {"purchases": MODEL, "spend": spend})
    found = score_card(SUBJECT, fact_set(rows), policy, models, NOW).prediction.outlook
    n = len(counted)
    naive = n * (1000 * sum(counted) / n) / (n + 3)
    assert found.spend.amount == pytest.approx(naive, abs=1)
    told = taught_by(bought_in(fact_set(rows).purchases(), UTC, currency), policy, NOW.date())
    ((x, mean),) = told.spend
    assert (x, mean) == (n, pytest.approx(1000 * sum(counted) / n))


def test_the_card_of_spend_says_that_its_means_are_of_a_year():
    lessons = Lessons(spend={(2, 1000.0): 9})
    told = {
        currency: foreseen(lessons, compile_policy(page() | {"currency": currency}), {}, NOW)
        for currency in ("IRR", "USD")
    }
    said = {one: [text["en"] for text in found["model_cards"]["spend"]["sentences"]]
            for one, found in told.items()}  # fmt: skip
    assert "the year up to their last purchase" in said["IRR"][-1]
    assert said["IRR"][:-1] == said["USD"]


@pytest.mark.parametrize("counts", [True, False])
def test_bg_nbd_does_not_tell_whether_who_bought_once_is_still_a_customer(counts):
    """By its story they are for sure, however long ago it was."""
    model = {**MODEL, "family": "bg_nbd", "counts": counts}
    found = card(bought_on(1825), page(model="bg_nbd"), purchases=model).prediction
    assert (found.alive, found.churn, found.level) == (None, None, None)
    assert (found.purchase_90 is not None, bool(found.factors)) == (counts, counts)
    if counts:
        assert found.outlook.at_risk is None
        assert card_json(card(bought_on(1825), purchases=model))["prediction"]["outlook"]
    other = card(bought_on(1825, 60), page(model="bg_nbd"), purchases=model).prediction
    assert 0 < other.churn < 1


def test_a_card_made_by_the_rate_says_that_it_is_a_rule_of_thumb():
    rate = {**MODEL, "method": "rate", "rate": 0.1, "tau": 26, "median_gap": 6}
    policy = compile_policy(page())
    (why,) = [one for one in outputs(policy, "contact") if one.name == "prediction_why"]
    for model, said in ((rate, True), (MODEL, False)):
        told = why.read(card(bought_on(20, 60, 90), purchases=model), "en")
        assert told.startswith("By a rule of thumb") is said


def test_of_who_bought_once_one_reason_is_told():
    (once,) = card(bought_on(400)).prediction.factors
    assert once.text.en.startswith("Having bought once, and how long ago, lowers the odds")
    again = card(bought_on(400, 300)).prediction.factors
    assert {one.id for one in again} == {"frequency", "recency", "age"}


def test_the_crm_is_told_what_is_to_come_in_two_digits():
    rows = [*bought_on(20, 60, 90), deal("9", "s3", 8_000)]
    made, policy = card(rows), compile_policy(page())
    (output,) = [one for one in outputs(policy, "contact") if one.name == "expected_value"]
    value = made.prediction.outlook.value.amount
    assert output.read(made, "en") == pytest.approx(value / 100, rel=0.05)
    told = card_json(made)["prediction"]["outlook"]
    assert told["total"]["amount"] == told["realised"]["amount"] + value
