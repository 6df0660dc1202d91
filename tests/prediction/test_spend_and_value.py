import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.lifetime_value import combined, lifetime_value
from chalicelib.prediction.purchases import History, PurchaseModel, RateModel
from chalicelib.prediction.spend import ShrunkenSpend, SpendByFrequency, SpendModel, spending_of

MODEL = PurchaseModel("mbg_nbd", r=0.525, alpha=6.183, a=0.891, b=1.614)
SPEND = SpendModel(p=6.25, q=3.74, v=15.44)

spends = st.one_of(
    st.builds(SpendModel, st.floats(0.1, 20), st.floats(1.05, 20), st.floats(0.1, 1e6)),
    st.builds(ShrunkenSpend, st.floats(0.1, 1e6)),
    st.builds(
        SpendByFrequency, st.floats(-2, 9), st.floats(-0.2, 0.2), st.floats(0, 2), st.integers(1, 9)
    ),
)
histories = st.builds(
    lambda x, share, age: History(x, share * age if x else 0.0, age),
    st.integers(0, 60),
    st.floats(0, 1),
    st.floats(0, 200),
)


@given(spends, st.integers(0, 100), st.floats(0, 1e6), st.floats(0, 1e6))
def test_who_spent_more_will_spend_more(spend, x, mean, more):
    here, there = spend.expected(x, mean), spend.expected(x, mean + more)
    assert here > 0
    if mean:  # nothing spent is nothing known
        assert here <= there * (1 + 1e-12)


@given(spends)
def test_of_whom_nothing_is_known_all_are_alike(spend):
    assert spend.expected(0, 0.0) == spend.expected(0, 99.0)


def test_spend_that_was_netted_to_nothing_is_as_unknown_as_none():
    assert SPEND.expected(3, 0.0) == SPEND.expected(3, -5.0) == SPEND.mean


@pytest.mark.parametrize(
    ("stated", "model"),
    [
        ({"method": "gamma_gamma", "p": 6.25, "q": 3.74, "v": 15.44, "mean": 35.0}, SPEND),
        ({"method": "shrunken", "mean": 35.0}, ShrunkenSpend(35.0)),
        (
            {"method": "regression", "start": 1.0, "slope": 0.1, "variance": 0.5, "most": 9},
            SpendByFrequency(1.0, 0.1, 0.5, 9),
        ),
    ],
)
def test_published_parameters_make_their_model(stated, model):
    assert spending_of(stated) == model


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="guess"):
        spending_of({"method": "guess"})


@given(histories, st.floats(0, 500), st.floats(0, 0.9), st.integers(1, 36))
def test_a_value_is_the_product_of_its_five_factors(h, mean, rate, months):
    worth = lifetime_value(MODEL, SPEND, h, mean, months=months, annual_rate=rate, margin=0.3)
    naive = sum(
        (MODEL.expected(h, k * 4.348214) - MODEL.expected(h, (k - 1) * 4.348214))
        / (1 + rate) ** (k / 12)
        for k in range(1, months + 1)
    )
    naive *= 0.3 * SPEND.expected(h.frequency, mean)
    assert worth.value == pytest.approx(naive, rel=1e-5, abs=1e-9)
    assert 0 < worth.discount <= 1
    assert worth.alive == MODEL.alive(h)


@given(histories, st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_higher_rate_makes_the_future_worth_less(h, rate, more):
    near = lifetime_value(MODEL, SPEND, h, 30, annual_rate=rate)
    far = lifetime_value(MODEL, SPEND, h, 30, annual_rate=rate + more)
    assert far.value <= near.value * (1 + 1e-12)


def test_known_costs_are_taken_off_at_the_end():
    h = History(2, 30.4, 38.9)
    free = lifetime_value(MODEL, SPEND, h, 30, annual_rate=0.1)
    served = lifetime_value(MODEL, SPEND, h, 30, annual_rate=0.1, costs=7)
    assert served.value == free.value - 7


def test_a_value_without_purchases_is_nought():
    worth = lifetime_value(RateModel(0, 26, 4), SPEND, History(0, 0.0, 10.0), 0, annual_rate=0.1)
    assert (worth.value, worth.purchases, worth.discount) == (0, 0, 1)


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1))
def test_what_overlaps_is_counted_at_least_once(value, pipeline, overlap):
    both = combined(value, pipeline, overlap)
    assert max(value, pipeline) - 1e-3 <= both <= value + pipeline + 1e-3
