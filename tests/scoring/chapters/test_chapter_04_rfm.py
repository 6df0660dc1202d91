"""Chapter 4: RFM. What is compared with pandas stands in ``test_chapter_04_rfm_like_pandas``."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.outputs import RFM_SEGMENTS
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import next_change_at, publish, score_card
from chalicelib.scoring.models.rfm import SEGMENTS, Cuts, segment_of
from chalicelib.scoring.profile import profile_of
from chalicelib.scoring.publication import Written
from chalicelib.training.cuts import rfm_cuts, rfm_cuts_by_id
from tests.scoring.examples import CUTS, NOW, SUBJECT, ago, fact_set, refunded, starter, won

THREE = [won("1", ago(days=100), 900), won("2", ago(days=10), 200), won("3", ago(days=10), 600)]


def rfm_of(rows, now=NOW, fitted=CUTS, **options):
    return model_of(**options).rfm(profile_of(SUBJECT, fact_set(rows), now)[0], fitted)


def model_of(**options):
    page = starter()
    page["customer"]["components"][1] |= options
    validate(page)
    return compile_policy(page).customer.components[1].model


def test_4_1_recency_is_in_whole_local_days_since_the_last_purchase():
    assert rfm_of(THREE).recency_days == 10


def test_4_1_frequency_counts_orders_or_days_with_one():
    assert rfm_of(THREE).frequency == 3
    assert rfm_of(THREE, frequency="days").frequency == 2


def test_4_1_monetary_is_the_sum_or_the_mean_of_an_order():
    assert rfm_of(THREE).monetary.amount == 1_700
    assert rfm_of(THREE, monetary="mean").monetary.amount == 567  # of 566.67


def test_4_1_a_window_bounds_frequency_and_monetary_and_not_recency():
    found = rfm_of(THREE, window_days=30)
    assert (found.recency_days, found.frequency, found.monetary.amount) == (10, 2, 800)
    found = rfm_of(THREE[:1], window_days=30)
    assert (found.recency_days, found.frequency, found.monetary.amount) == (100, 0, 0)
    assert found.scores[1:] == (1, 1)


def test_4_1_a_purchase_is_within_a_window_for_exactly_its_days():
    bought = [won("1", NOW - timedelta(days=30) + timedelta(seconds=1))]
    assert rfm_of(bought, window_days=30).frequency == 1
    assert rfm_of(bought, NOW + timedelta(seconds=1), window_days=30).frequency == 0


def test_4_1_it_knows_when_a_purchase_leaves_the_window():
    profile = profile_of(SUBJECT, fact_set(THREE), NOW)[0]
    leaves = ago(days=10) + timedelta(days=12)
    assert model_of(window_days=12).measure(profile, CUTS).changes_at == leaves


def test_4_1_what_is_fully_refunded_counts_for_nothing():
    back = [refunded("r2", "deal:2", ago(days=1), 200), refunded("r3", "deal:3", ago(days=1), 100)]
    found = rfm_of(THREE + back)
    assert (found.frequency, found.monetary.amount) == (2, 1_400)
    everything = [refunded(f"r{n}", f"deal:{n}", ago(days=1), 900) for n in (1, 2, 3)]
    assert rfm_of(THREE + everything) is None


def test_4_1_purchases_after_the_instant_are_ignored():
    assert rfm_of([*THREE, won("4", NOW + timedelta(days=1))]).frequency == 3


def test_4_2_cut_points_are_quantiles_of_type_7():
    cuts = rfm_cuts((day, day % 10, 3 * day) for day in range(1, 51))
    assert cuts["r"] == pytest.approx([10.8, 20.6, 30.4, 40.2])  # at 9.8, 19.6 … of 49


def test_4_2_with_many_one_time_buyers_a_score_may_be_unused():
    cuts = Cuts(r=(), f=(1, 1, 2, 4), m=())
    scores = {f: cuts.scores(0, f, 1)[1] for f in range(1, 8)}
    assert scores == {1: 1, 2: 3, 3: 4, 4: 4, 5: 5, 6: 5, 7: 5}


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 5), st.integers(1, 99)),
                min_size=15, max_size=120))  # fmt: skip
def test_4_2_equal_values_get_equal_scores_unless_ties_go_by_id(rows):
    population = {f"{number:04}": row for number, row in enumerate(rows)}
    cuts = Cuts.fitted(rfm_cuts_by_id(population), ties_by_id=True)
    parts = 5 if len(rows) >= 50 else 3
    scores = [cuts.scores(*row, who)[1] for who, row in population.items()]
    sizes = [scores.count(score) for score in set(scores)]
    if len({row[1] for row in rows}) > 1:
        assert len(sizes) == parts
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("customers", "used"), [(50, {1, 2, 3, 4, 5}), (49, {1, 3, 5}), (15, {1, 3, 5})]
)
def test_4_2_few_customers_are_cut_more_coarsely(customers, used):
    rows = [(day, day + 1, day + 1) for day in range(customers)]
    cuts = Cuts.fitted(rfm_cuts(rows))
    assert {score for row in rows for score in cuts.scores(*row)} == used


def test_4_2_below_fifteen_customers_thresholds_serve_or_nothing_does():
    few = rfm_cuts([(1, 1, 1)] * 14)
    assert rfm_of(THREE, fitted=few).scores == (5, 3, 3)
    model = compile_policy(starter()).customer.components[1].model
    bare = type(model)(model.weights, None, model.time_zone, model.calendar, model.currency)
    assert bare.rfm(profile_of(SUBJECT, fact_set(THREE), NOW)[0], few).scores is None


def test_4_2_where_all_are_alike_everybody_gets_three_and_a_flag():
    fitted = rfm_cuts((day, 1, day + 1) for day in range(60))
    card = score_card(SUBJECT, fact_set(THREE[:1]), compile_policy(starter()),
                      FittedModels("alike", {"rfm": fitted}), NOW)  # fmt: skip
    assert card.rfm.scores[1] == 3
    assert card.flags == ("alike:f",)


@pytest.mark.parametrize("monetary", [0, -1])
def test_4_2_who_returned_everything_has_the_lowest_monetary_score(monetary):
    assert Cuts(r=(), f=(), m=()).scores(1, 1, monetary)[2] == 1


def test_4_2_thresholds_may_replace_the_quantiles_quantity_by_quantity():
    own = {"r": [1, 2, 3, 4]}
    assert rfm_of(THREE, thresholds=own).scores == (5, 3, 1)
    assert rfm_of(THREE, thresholds=own, thresholds_serve="always").scores == (1, 3, 1)


def test_4_2_the_number_is_made_of_the_scores():
    assert rfm_of(THREE).number == 531


def test_4_2_the_index_runs_from_0_to_100_by_weight():
    profile = profile_of(SUBJECT, fact_set(THREE), NOW)[0]
    terms = model_of(weights={"r": 2, "f": 1, "m": 1}).measure(profile, CUTS).terms
    # 100 · (2 · 4 + 1 · 2 + 1 · 0) / (4 · 4)
    assert sum(term.points for term in terms) == pytest.approx(62.5)


@given(st.integers(0, 40), st.integers(0, 23))
def test_4_3_recency_changes_at_the_local_midnight_after_the_cut_point(days, hour):
    zone = "Asia/Tehran"
    last = datetime(2026, 1, 1, hour, tzinfo=UTC)
    page = starter(time_zone=zone)
    policy, cuts = compile_policy(page), {"r": [10.5, 20, 30, 40], "f": [], "m": []}
    model, facts = policy.customer.components[1].model, fact_set([won("1", last)])
    now = last + timedelta(days=days)
    measure = model.measure(profile_of(SUBJECT, facts, now)[0], cuts)
    if measure.changes_at is None:
        assert days > 40 or model.rfm(profile_of(SUBJECT, facts, now)[0], cuts).recency_days > 40
        return
    before, after = (
        model.rfm(profile_of(SUBJECT, facts, at)[0], cuts)
        for at in (measure.changes_at - timedelta(seconds=1), measure.changes_at)
    )
    assert after.recency_days in {11, 21, 31, 41}  # ⌊c⌋ + 1
    assert before.scores[0] == after.scores[0] + 1


def test_4_4_the_map_is_whole():
    assert [" ".join(SEGMENTS[r]) for r in (5, 4, 3, 2, 1)] == [
        "new_customer potential_loyalist potential_loyalist champion champion",
        "promising potential_loyalist potential_loyalist loyal loyal",
        "about_to_sleep about_to_sleep need_attention loyal loyal",
        "hibernating hibernating at_risk at_risk cant_lose_them",
        "hibernating hibernating at_risk at_risk cant_lose_them",
    ]


def test_4_4_every_segment_has_its_persian_name():
    assert {name: text.fa for name, text in RFM_SEGMENTS.items()} == {
        "champion": "قهرمان",
        "loyal": "وفادار",
        "potential_loyalist": "وفادار بالقوه",
        "new_customer": "تازه‌وارد",
        "promising": "امیدبخش",
        "need_attention": "نیازمند توجه",
        "about_to_sleep": "در آستانهٔ خواب",
        "at_risk": "در معرض خطر",
        "cant_lose_them": "نباید از دست برود",
        "hibernating": "خفته",
    }


ONCE = FittedModels("once", {"rfm": {**CUTS, "f": [1.0, 1.0, 2.0, 4.0]}})


def tags_of(rows, models):
    return score_card(SUBJECT, fact_set(rows), compile_policy(starter()), models, NOW).tags


def test_4_4_one_time_buyers_are_tagged_where_most_bought_once():
    usual = FittedModels("usual", {"rfm": CUTS})
    assert "customer:one-time-buyer" in tags_of(THREE[:1], ONCE)
    assert "customer:one-time-buyer" not in tags_of(THREE, ONCE)
    assert "customer:one-time-buyer" not in tags_of(THREE[:1], usual)


def test_4_4_it_says_how_recent_that_is_beside_other_customers():
    page = compile_policy(starter())
    card = score_card(SUBJECT, fact_set([won("1", ago(days=12))]), page, ONCE, NOW)
    (recency,) = [one for one in card.customer.contributions if one.id == "value.recency"]
    assert recency.text.en == "Last purchase 12 days ago, more recent than 80 % of customers"
    assert card.rfm.scores[0] == 5


def test_4_4_it_says_what_would_change_the_segment():
    cuts = {"r": [30, 90, 180, 365], "f": [1, 2, 4, 8], "m": CUTS["m"]}
    found = rfm_of(THREE, fitted=cuts)
    assert found.segment == "potential_loyalist"
    assert (found.next_segment.purchases, found.next_segment.segment) == (2, "champion")
    often = [won(str(n), ago(days=n), 500) for n in range(1, 10)]
    assert rfm_of(often, fitted=cuts).segment == "champion"
    assert rfm_of(often, fitted=cuts).next_segment is None


def test_4_4_the_crm_is_told_what_would_change_the_segment():
    policy = compile_policy(starter())
    card = score_card(SUBJECT, fact_set(THREE), policy, FittedModels("c", {"rfm": CUTS}), NOW)
    fields = publish(card, Written({}, certain=True), policy)
    assert fields["rfm_next"] == "2 more purchases → Champion"


triples = st.tuples(st.integers(0, 800), st.integers(1, 30), st.integers(-10, 10**6))


@given(triples, triples)
def test_22_7_a_better_value_never_lowers_a_score(one, other):
    cuts = Cuts.fitted(CUTS)
    better = (min(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2]))
    assert all(
        high >= low for high, low in zip(cuts.scores(*better), cuts.scores(*one), strict=True)
    )
    assert segment_of(cuts.scores(*better)) in RFM_SEGMENTS


def test_a_window_wakes_the_card_when_what_is_shown_changes():
    page = starter()
    page["customer"]["components"][1] |= {"window_days": 40}
    policy, facts = compile_policy(page), fact_set([won("1", ago(days=20), 60_000)])
    models = FittedModels("cuts", {"rfm": {**CUTS, "r": []}})
    shown = publish(score_card(SUBJECT, facts, policy, models, NOW), Written({}, True), policy)
    change = next_change_at(SUBJECT, facts, policy, models, NOW, shown)
    assert change == ago(days=20) + timedelta(days=40)
