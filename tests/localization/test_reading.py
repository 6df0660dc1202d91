from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.model import Money
from chalicelib.localization.numbers import money, number
from chalicelib.localization.reading import money_of, number_of


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("۱۲۳", 123),
        ("٤٥٦", 456),
        ("12", 12),
        ("۱۲٫۵", 12.5),
        ("۲۵۰٬۰۰۰", 250_000),
        ("۲۵۰,۰۰۰", 250_000),
        ("۲۵۰،۰۰۰", 250_000),
        ("2,500.75", 2500.75),
        ("۵-", -5),
        ("۵−", -5),
        ("−۵", -5),
        ("-۵", -5),
        ("+۵", 5),
        ("۲۰٪", 20),
        ("٪۲۰", 20),
        ("20 %", 20),
        ("۲۰ درصد", 20),
        ("۱۰ هزار", 10_000),
        ("۱۰هزار", 10_000),
        ("۲٫۵ میلیون", 2_500_000),
        ("۳ ميليارد", 3_000_000_000),
        ("۲ میلیون و ۵۰۰ هزار", 2_500_000),
        ("۱ میلیون و ۲۰۰ هزار و ۵۰", 1_200_050),
        (" ۱۲ ", 12),
        ("\u200f۱۲\u200e", 12),
        ("۲۵۰٬۰۰۰ ریال", 250_000),
        ("۲۵۰٬۰۰۰ تومان", 2_500_000),
        (7, 7),
        (1.5, 1.5),
    ],
)
def test_numbers_are_read_as_people_type_them(typed, meant):
    assert number_of(typed) == meant


@pytest.mark.parametrize(
    "typed",
    ["", "نامعلوم", "۱,۵", "۱۲۳,۴", "1.234.567", "۵ ۶", "-۵-", "یک", "۱۰ هزار و ۲ میلیون", "٫۵",
     "۱۰ تومان ۲۰", "۲۰٪ تومان", "NaN", "inf", "1e5", None, True, [], "9" * 70],
)  # fmt: skip
def test_what_cannot_be_read_is_missing_and_not_zero(typed):
    assert number_of(typed) is None


@pytest.mark.parametrize(
    ("typed", "amount", "currency"),
    [
        ("۱۰ میلیون تومان", "10000000", "IRT"),
        ("۲۵۰,۰۰۰ ریال", "25000", "IRT"),
        ("۲۵۰٬۰۰۰ تومن", "250000", "TMN"),
        ("۲ همت", "2000000000000", "IRT"),
        ("۱٫۵ همت تومان", "1500000000000", "IRT"),
        ("IRR", None, None),
        ("1,200 USD", "1200", "USD"),
        ("$1,200.50", "1200.50", "USD"),
        ("€ 7", "7", "EUR"),
        ("۱۰ دلار", "10", "USD"),
        ("۵۰۰ هزار تومان-", "-500000", "IRT"),
        ("۱۲۰۰", None, None),
        ("۲ همت ریال", None, None),
        ("$5 تومان", None, None),
    ],
)
def test_money_is_read_with_its_currency(typed, amount, currency):
    meant = Money.from_decimal(Decimal(amount), currency) if amount else None
    assert money_of(typed) == meant


def test_a_currency_is_supposed_only_where_none_is_named():
    assert money_of("۱۲۰۰", "IRT") == Money(12_000, "IRR")
    assert money_of("۱۲۰۰ ریال", "IRT") == Money(1_200, "IRR")


@given(st.integers(-(10**15), 10**15))
def test_whatever_is_written_for_people_can_be_read_again(value):
    assert number_of(number(value).fa) == value
    assert number_of(number(value).en) == value
    assert money_of(money(Money(value, "IRR")).fa) == Money(value, "IRR")


@given(st.text())
def test_no_text_makes_reading_fail(text):
    number_of(text)
    money_of(text, "IRR")
