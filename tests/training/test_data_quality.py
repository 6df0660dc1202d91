"""Chapter 18, of a population: doubles and amounts that cannot be."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.data_quality import Double, Person, doubles, outliers, unit_errors


def test_18_one_number_or_address_in_two_spellings_is_one_person():
    people = [
        Person("1", "Anna", phones=["0912 345 6789"]),
        Person("2", "Karimi", phones=["۰۰۹۸۹۱۲۳۴۵۶۷۸۹"]),
        Person("3", "B", emails=["B@Acme.example "]),
        Person("4", "Be", emails=["b@acme.example"]),
    ]
    assert doubles(people) == (
        Double(("1", "2"), sure=True, why="phone"),
        Double(("3", "4"), sure=True, why="email"),
    )


def test_18_name_city_and_company_together_make_a_probable_double():
    people = [
        Person("1", "علي رضايي", "تهران", "شركت آکمه"),
        Person("2", "علی رضایی", "تهران", "شرکت اکمه"),
        Person("3", "علی رضایی", "شیراز", "شرکت اکمه"),
        Person("4", "علی رضایی", "", ""),
        Person("5", "علی رضایی", "", ""),
    ]
    assert doubles(people) == (Double(("1", "2"), sure=False, why="name"),)


def test_18_a_number_that_cannot_be_read_makes_nobody_a_double():
    assert doubles([Person("1", "A", phones=["12"]), Person("2", "B", phones=["12"])]) == ()


def test_18_a_switchboard_makes_no_doubles():
    people = [Person(str(n), f"Person {n}", phones=["021 8888 7777"]) for n in range(30)]
    assert doubles(people) == ()


@given(st.permutations(range(6)))
def test_18_the_order_of_people_does_not_matter(order):
    people = [Person(str(n), "A", phones=[f"0912345678{n % 3}"]) for n in range(6)]
    assert doubles([people[n] for n in order]) == doubles(people)


def test_18_more_than_twenty_times_the_99th_percentile_goes_to_review():
    amounts = {str(n): 1000 for n in range(1000)}
    assert outliers(amounts | {"far": 20_001, "near": 20_000}) == ("far",)


def test_18_few_amounts_have_no_outliers():
    assert outliers({"1": 1, "2": 10**9}) == ()


@given(st.integers(1, 10**6))
def test_18_the_unit_of_money_does_not_matter(factor):
    random = Random(7)
    amounts = {str(n): random.randrange(1, 10**6) for n in range(300)} | {"far": 10**9}
    scaled = {one: amount * factor for one, amount in amounts.items()}
    assert outliers(scaled) == outliers(amounts)


@pytest.mark.parametrize(
    ("ours", "theirs", "wrong"),
    [(250, 2500, True), (2500, 250, True), (250, 250, False), (251, 2500, False), (0, 0, False)],
)
def test_18_exactly_ten_times_the_other_source_is_a_unit_error(ours, theirs, wrong):
    found = unit_errors({"a": ours, "b": 7}, {"a": theirs, "c": 9})
    assert found.ids == (("a",) if wrong else ())
    assert found.share == (1.0 if wrong else 0.0)
