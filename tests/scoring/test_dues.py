"""By what two records are known to be of one person, so that a company counts that person once."""

import pytest

from chalicelib.policy import compile_policy, validate
from chalicelib.scoring.dues import person_keys
from tests.scoring.examples import starter

MOBILE = person_keys({"phone": "+989123456789"}, "IR")


@pytest.mark.parametrize(
    "written",
    [
        "۰۹۱۲۳۴۵۶۷۸۹",
        "٠٩١٢ ٣٤٥ ٦٧٨٩",
        "0912 345 6789",
        "9123456789",
        "+98 912 345 6789",
        "۰۰۹۸ ۹۱۲ ۳۴۵ ۶۷۸۹",
        "0098-912-345-6789",
        "989123456789",
    ],
)
def test_one_number_is_one_key_however_it_was_typed(written):
    assert person_keys({"phone": written}, "IR") == MOBILE


@pytest.mark.parametrize("other", ["+99 912 345 6789", "+1 912 345 6789", "0912 345 6780"])
def test_numbers_that_only_end_alike_are_not_one_person(other):
    assert person_keys({"phone": other}, "IR") != MOBILE


@pytest.mark.parametrize("nonsense", ["", "12", "0000000000", "none", "88887777"])
def test_what_is_no_number_is_no_key(nonsense):
    assert person_keys({"phone": nonsense}, "IR") == []


def test_the_region_tells_which_country_a_number_without_one_belongs_to():
    written = {"phone": "0151 23456789"}
    assert person_keys(written, "DE") == person_keys({"phone": "+49 151 23456789"}, "DE")
    assert person_keys(written, "IR") != person_keys(written, "DE")


def test_a_policy_may_name_its_region_and_else_means_iran():
    page = starter()
    assert compile_policy(page).owing.region == "IR"
    validate(page | {"region": "DE"})
    assert compile_policy(page | {"region": "DE"}).owing.region == "DE"
