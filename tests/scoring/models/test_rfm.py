from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.outputs import RFM_SEGMENTS
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import score_card
from chalicelib.scoring.models.rfm import SEGMENTS, Cuts
from chalicelib.scoring.profile import profile_of
from chalicelib.training.cuts import rfm_cuts
from tests.oracle.cuts import naive_cuts
from tests.oracle.scorer import naive_card
from tests.scoring.examples import (
    CUTS,
    NOW,
    SUBJECT,
    activity,
    ago,
    deals,
    fact_set,
    row,
    starter,
    won,
)


def model_of(page):
    return compile_policy(page).customer.components[1].model


def rfm(rows, cuts=CUTS, now=NOW, **changes):
    return model_of(starter(**changes)).rfm(profile_of(SUBJECT, fact_set(rows), now)[0], cuts)


def measure(rows, cuts=CUTS, now=NOW, **changes):
    return model_of(starter(**changes)).measure(profile_of(SUBJECT, fact_set(rows), now)[0], cuts)


def test_recency_counts_local_days():
    bought = datetime(2026, 3, 20, 20, 45, tzinfo=UTC)  # past midnight in Tehran
    assert rfm([won("1", bought)], time_zone="UTC").recency_days == 1
    assert rfm([won("1", bought)], time_zone="Asia/Tehran").recency_days == 0


def test_frequency_and_monetary_sum_up_all_purchases():
    found = rfm([won("1", ago(days=5), 700), won("2", ago(days=9), 1_300)])
    assert (found.frequency, found.monetary.amount, found.monetary.currency) == (2, 2_000, "USD")


def test_orders_of_a_shop_count_like_won_deals():
    order = row("purchase", "shop-1", {"amount": {"amount": 900, "currency": "USD"}}, ago(days=1))
    assert rfm([order, won("1", ago(days=5), 100)]).monetary.amount == 1_000


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [won("1", NOW + timedelta(days=1))],
        [won("1", ago(days=1), amount=0)],
        [won("1", ago(days=1), amount=-500)],
        [won("1", ago(days=1)), row("links", "links", {"deal": ["2"]})],
        [activity("page.viewed", ago(days=1))],
    ],
    ids=["nothing", "dated ahead", "of nothing", "negative", "no longer linked", "no purchase"],
)
def test_who_has_not_bought_has_no_rfm(rows):
    assert rfm(rows) is None
    assert measure(rows).known == 0


def test_sums_in_another_currency_count_as_purchases_but_not_as_money():
    rows = [won("1", ago(days=5), 700), won("2", ago(days=9), 9_000, currency="EUR")]
    assert (rfm(rows).frequency, rfm(rows).monetary.amount) == (2, 700)
    assert (measure(rows).known, measure(rows).asked) == (2, 3)
    assert measure(rows[:1]).known == 3


def test_who_has_only_paid_in_another_currency_has_the_lowest_monetary_score():
    assert rfm([won("1", ago(days=5), 900_000, currency="EUR")]).scores[2] == 1


def test_without_cuts_thresholds_of_the_policy_serve():
    found = rfm([won("1", ago(days=50))], cuts={"n": 3})
    assert found.scores == (4, 1, 3)  # the starter leaves money out: everybody is average


def test_without_cuts_and_thresholds_there_are_no_scores():
    page = starter()
    del page["customer"]["components"][1]["thresholds"]
    profile = profile_of(SUBJECT, fact_set([won("1", ago(days=50))]), NOW)[0]
    found = model_of(page).rfm(profile, {})
    assert (found.recency_days, found.scores, found.segment) == (50, None, None)
    assert model_of(page).measure(profile, {}).known == 0


def test_money_thresholds_are_written_in_major_units():
    page = starter()
    page["customer"]["components"][1]["thresholds"] = {"m": [10, 20.5, 30, 40]}
    profile = profile_of(SUBJECT, fact_set([won("1", ago(days=5), 2_051)]), NOW)[0]
    assert model_of(page).rfm(profile, {}).scores == (3, 3, 3)


def test_a_value_on_a_cut_point_belongs_below_it():
    cuts = Cuts.fitted(CUTS)
    assert cuts.scores(30, 1, 5_000) == (5, 1, 1)
    assert cuts.scores(31, 2, 5_001) == (4, 2, 2)
    assert cuts.scores(366, 9, 200_001) == (1, 5, 5)


def test_tertiles_score_one_three_five_and_no_cuts_score_three():
    tertiles = Cuts(r=(20, 80), f=(), m=(1e4, 5e4))
    assert tertiles.scores(10, 7, 60_000) == (5, 3, 5)
    assert tertiles.scores(50, 1, 20_000) == (3, 3, 3)
    assert tertiles.scores(90, 1, 0) == (1, 3, 1)


def test_the_parts_sum_to_the_weighted_index():
    page = starter()
    page["customer"]["components"][1]["weights"] = {"r": 2, "f": 1, "m": 1}
    profile = profile_of(SUBJECT, fact_set([won("1", ago(days=5))]), NOW)[0]
    terms = model_of(page).measure(profile, CUTS).terms
    assert [(term.id, term.points) for term in terms] == [
        ("recency", 50), ("frequency", 0), ("monetary", 6.25),
    ]  # fmt: skip
    assert [term.text.en for term in terms] == [
        "Last purchase 5 days ago, more recent than 80 % of customers",
        "Bought once",
        "Spent 100.00 USD in all",
    ]  # fmt: skip


def test_every_cell_of_the_map_has_a_segment_and_every_segment_a_cell():
    cells = [segment for row in SEGMENTS.values() for segment in row]
    assert len(cells) == 25
    assert set(cells) == set(RFM_SEGMENTS)


@pytest.mark.parametrize(
    ("r", "f", "segment"),
    [
        (5, 1, "new_customer"),
        (5, 5, "champion"),
        (4, 1, "promising"),
        (4, 2, "potential_loyalist"),
        (3, 2, "about_to_sleep"),
        (3, 3, "need_attention"),
        (3, 5, "loyal"),
        (2, 2, "hibernating"),
        (2, 4, "at_risk"),
        (1, 5, "cant_lose_them"),
    ],
)
def test_cells_of_the_map(r, f, segment):
    assert SEGMENTS[r][f - 1] == segment


values = st.tuples(st.integers(0, 800), st.integers(1, 30), st.integers(-10, 10**6))


@given(values, values)
def test_a_better_value_never_has_a_lower_score(one, other):
    cuts = Cuts.fitted(CUTS)
    for index, better in ((0, min), (1, max), (2, max)):
        best = list(one)
        best[index] = better(one[index], other[index])
        assert cuts.scores(*best)[index] >= cuts.scores(*one)[index]


@given(st.lists(values, min_size=15, max_size=80), st.integers(1, 1000))
def test_scaling_all_amounts_changes_no_score(population, factor):
    scaled = [(r, f, m * factor) for r, f, m in population]
    cuts, wider = Cuts.fitted(rfm_cuts(population)), Cuts.fitted(rfm_cuts(scaled))
    for before, after in zip(population, scaled, strict=True):
        assert wider.scores(*after) == cuts.scores(*before)


@given(st.lists(deals, min_size=1, max_size=6), st.sampled_from(["UTC", "Asia/Tehran"]))
def test_it_knows_when_its_recency_score_will_change(rows, zone):
    before = measure(rows, time_zone=zone)
    if before.changes_at is None:
        return
    scores = [
        rfm(rows, now=before.changes_at + timedelta(seconds=seconds), time_zone=zone).scores[0]
        for seconds in (-1, 0)
    ]
    later = [
        one for one in rows
        if NOW < datetime.fromisoformat(one["data"]["closed_at"]) <= before.changes_at
    ]  # fmt: skip
    assert later or scores[0] == scores[1] + 1


def cdnow():
    """The purchases of 295 customers of a real shop, as facts, by customer."""
    customers = {}
    for line in Path("tests/data/cdnow/purchases.txt").read_text("utf-8").splitlines():
        _, customer, day, _, dollars = line.split()
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        rows = customers.setdefault(customer, [])
        rows.append(won(str(len(rows)), at, round(float(dollars) * 100)))
    return customers


# Most bought once, so two cut points of F coincide: nobody has an F score of 2.
CDNOW_CUTS = {
    "r": [150.4, 422.2, 484.4, 511.2],
    "f": [1, 1, 2, 4],
    "m": [1536, 2998, 6043.4, 12801.6],
}


def test_a_real_shop_is_cut_and_segmented_as_the_oracle_does_it():
    after, page = datetime(1998, 7, 1, tzinfo=UTC), starter()
    found = [rfm(rows, now=after) for rows in cdnow().values()]
    bought = [(one.recency_days, one.frequency, one.monetary.amount) for one in found if one]
    cuts = rfm_cuts(bought)
    assert (cuts["n"], cuts["constant"]) == (295, [])
    for name in "rfm":
        assert cuts[name] == pytest.approx(CDNOW_CUTS[name])
        assert cuts[name] == pytest.approx(naive_cuts(bought)[name])
    for rows in cdnow().values():
        card = score_card(
            SUBJECT,
            fact_set(rows),
            compile_policy(page),
            FittedModels("cdnow", {"rfm": cuts}),
            after,
        )
        naive = naive_card(page, rows, cuts, str(SUBJECT), after)
        assert list(card.tags) == naive["tags"]
        assert card.score == naive["score"]


def test_the_shipped_model_scores_a_card_with_trained_cuts():
    population = [(days, 1 + days % 7, 1_000 * days + 1) for days in range(100)]
    models = FittedModels("trained", {"rfm": rfm_cuts(population)})
    rows = [won("1", ago(days=3), 90_000), won("2", ago(days=30), 1_000)]
    card = score_card(SUBJECT, fact_set(rows), compile_policy(starter()), models, NOW)
    assert card.rfm.scores == (5, 1, 5)
    assert card.rfm.segment == "new_customer"
    assert card.tags == ("class:B", "segment:new-customer")
