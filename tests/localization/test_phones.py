import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.localization.phones import e164


@pytest.mark.parametrize(
    "typed",
    [
        "09123456789", "+989123456789", "00989123456789", "989123456789", "9123456789",
        "+98 (0) 912 345 6789", "+98(0)9123456789", "۰۹۱۲۳۴۵۶۷۸۹", "٠٩١٢٣٤٥٦٧٨٩",
        "0912-345-6789", "(0912) 345 67 89", "\u200e+98 912 345 6789\u200f",
        "۰۹۱۲۳۴۵۶۷۸۹ داخلی ۱۲", "09123456789 ext. 7", "09123456789x7", "0912 345 6789 #7",
    ],
)  # fmt: skip
def test_every_way_to_write_a_mobile_number_is_one_number(typed):
    assert e164(typed) == "+989123456789"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("021 8888 7777", "+982188887777"),
        ("۰۲۱-۸۸۸۸۷۷۷۷ داخلي 12", "+982188887777"),
        ("2188887777", "+982188887777"),
        ("+1 650 253 0000", "+16502530000"),
        ("0016502530000", "+16502530000"),
    ],
)
def test_landlines_and_foreign_numbers_are_read(typed, meant):
    assert e164(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "12", "0912", "نامعلوم", "00000000000", "0912345678901234", "9" * 100, "88887777"]
)
def test_what_is_no_valid_number_is_missing(typed):
    assert e164(typed) is None


def test_a_local_number_needs_an_area_code():
    assert e164("۸۸۸۸۷۷۷۷") is None
    assert e164("۸۸۸۸۷۷۷۷", area_code="21") == "+982188887777"


def test_another_region_reads_its_own_numbers():
    assert e164("(650) 253-0000", region="US") == "+16502530000"


@given(st.text())
def test_no_text_makes_reading_fail(text):
    e164(text)
