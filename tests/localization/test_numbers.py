from chalicelib.core.model import Money
from chalicelib.localization.numbers import money, number, signed


def bare(text):
    return text.replace("\u2068", "").replace("\u2069", "")


def test_persian_numbers_have_persian_digits_and_separators():
    assert bare(number(1234567).fa) == "۱٬۲۳۴٬۵۶۷"


def test_every_persian_number_is_isolated_from_the_text_around_it():
    assert number(3).fa == "\u2068۳\u2069"


def test_signs_are_shown_for_both_directions():
    assert bare(signed(12).fa) == "+۱۲"
    assert bare(signed(-5).fa) == "−۵"


def test_rial_are_shown_as_toman_in_persian_and_as_rial_in_english():
    price = Money(125_000_000, "IRR")
    assert money(price).en == "125,000,000 IRR"
    assert bare(money(price).fa) == "۱۲٬۵۰۰٬۰۰۰ تومان"


def test_a_rial_that_makes_no_whole_toman_is_not_lost():
    assert bare(money(Money(125, "IRR")).fa) == "۱۲٫۵ تومان"


def test_minor_units_follow_the_currency():
    assert money(Money(5, "USD")).en == "0.05 USD"
    assert money(Money(1500, "KWD")).en == "1.500 KWD"
    assert bare(money(Money(2933, "USD")).fa) == "۲۹٫۳۳ دلار"
    assert bare(money(Money(700, "JPY")).fa) == "۷۰۰ JPY"
