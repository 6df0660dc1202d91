import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.cuts import rfm_cuts
from tests.oracle.cuts import naive_cuts

ROWS = st.lists(
    st.tuples(st.integers(0, 1500), st.integers(1, 40), st.integers(1, 10**12)), max_size=120
)


@given(ROWS)
def test_cuts_are_those_of_a_naive_count_of_positions(rows):
    cuts, naive = rfm_cuts(rows), naive_cuts(rows)
    assert set(cuts) == set(naive)
    for name in cuts.keys() & set("rfm"):
        assert cuts[name] == pytest.approx(naive[name])
    assert cuts.get("constant") == naive.get("constant")


@given(ROWS, st.randoms())
def test_the_order_of_the_population_does_not_matter(rows, random):
    shuffled = rows[:]
    random.shuffle(shuffled)
    assert rfm_cuts(shuffled) == rfm_cuts(rows)


@pytest.mark.parametrize(("customers", "points"), [(14, None), (15, 2), (49, 2), (50, 4)])
def test_the_number_of_customers_decides_how_fine_the_cuts_are(customers, points):
    cuts = rfm_cuts((day, day + 1, 100 * day + 1) for day in range(customers))
    assert cuts["n"] == customers
    assert (len(cuts["r"]) if "r" in cuts else None) == points


def test_a_quantity_in_which_all_are_alike_is_named_and_has_no_cuts():
    cuts = rfm_cuts((day, 1, 500) for day in range(60))
    assert (cuts["f"], cuts["m"], cuts["constant"]) == ([], [], ["f", "m"])


def test_nobody_has_no_cuts():
    assert rfm_cuts([]) == {"n": 0}
