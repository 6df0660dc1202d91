"""Chapter 2: from the scores of people to the score of their company."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import score_card
from chalicelib.scoring.models.roll_up import METHODS, best_scores
from tests.oracle.account import naive_roll_up
from tests.scoring.examples import NOW, fact_set, row, starter

COMPANY = Ref("hubspot-main", "account", "7")


def page(**parameters):
    made = starter()
    made["lead"]["groups"].append({"id": "people", "model": "roll_up", **parameters})
    validate(made)
    return compile_policy(made)


def person(identity, score, keys=()):
    return row("score", identity, {"score": score, "person": [*keys]}) | {"subject": str(COMPANY)}


def company(*people, **parameters):
    return score_card(COMPANY, fact_set(people), page(**parameters), NOTHING_FITTED, NOW)


def test_2_several_interested_people_mean_more_than_one():
    assert METHODS["noisy_or"]([60, 50, 20]) == pytest.approx(100 * (1 - 0.4 * 0.5 * 0.8))
    assert METHODS["noisy_or"]([60, 50, 20]) == pytest.approx(84)


def test_2_the_noisy_or_stays_below_100_unless_somebody_has_100():
    assert METHODS["noisy_or"]([99] * 5) < 100
    assert METHODS["noisy_or"]([100, 1]) == 100


def test_2_the_maximum_is_the_best_score():
    assert METHODS["max"]([60, 50, 20]) == 60


def test_2_the_sum_is_capped():
    assert METHODS["sum"]([60, 20]) == 80
    assert METHODS["sum"]([60, 50]) == 100


@pytest.mark.parametrize("method", METHODS)
def test_2_no_contacts_is_0(method):
    assert METHODS[method]([]) == 0
    assert company(method=method).score == 0


def test_2_the_default_is_the_noisy_or_over_the_five_best():
    scores = [80, 10, 20, 30, 40, 50, 60]
    card = company(*(person(str(place), score) for place, score in enumerate(scores)))
    assert card.score == round(100 * (1 - 0.2 * 0.4 * 0.5 * 0.6 * 0.7))
    assert [line.id for line in card.lead.contributions] == ["people.people"]
    assert "7 people" in card.reasons[0].en


def test_2_only_the_best_k_count():
    people = [person("1", 40), person("2", 50), person("3", 30)]
    assert company(*people, method="sum", top=2).score == 90


def test_2_records_of_one_person_count_once_with_the_better_score():
    people = [person("1", 40, ["mail"]), person("2", 50, ["mail", "phone"]), person("3", 30)]
    assert company(*people, method="sum").score == 80


def test_2_who_shares_a_key_with_each_of_two_makes_them_one():
    assert best_scores([(10, ["a"]), (20, ["b"]), (30, ["b", "a"])]) == [30]


def test_2_who_was_taken_back_counts_no_more():
    gone = row("score", "2", {}) | {"subject": str(COMPANY)}
    assert company(person("1", 40), gone, method="sum").score == 40


people = st.lists(
    st.tuples(st.integers(0, 100), st.lists(st.sampled_from("abcdef"), max_size=2)), max_size=9
)


@given(people, st.sampled_from(sorted(METHODS)), st.integers(1, 6), st.randoms())
def test_2_every_roll_up_is_the_naive_one_in_any_order(found, method, top, random):
    expected = naive_roll_up(found, method, top)
    shuffled = random.sample(found, len(found))
    assert METHODS[method](best_scores(shuffled)[:top]) == pytest.approx(expected)
    assert 0 <= expected <= 100
