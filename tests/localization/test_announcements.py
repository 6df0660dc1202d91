"""Ready texts fit into the SMS that they are for, whatever stands in their places."""

import pytest

from chalicelib.core.announcements import OCCASIONS
from chalicelib.core.model import Text
from chalicelib.localization import loyalty
from chalicelib.localization.announcements import WORDS, filled, for_sms, places
from chalicelib.localization.numbers import number
from chalicelib.localization.sms import is_gsm, parts

LONG = Text(
    "The most exceedingly long name of a level", "نامی که برای یک سطح بیش از اندازه بلند است"
)
WORST = {
    "customer": Text("12345678901234567890", "12345678901234567890"),
    "tier": LONG,
    "reward": LONG,
    "stage": Text("Negotiation", "پیشنهاد قیمت"),
    "name": LONG,
    "day": Text("30 Ordibehesht 1405", "۳۰ اردیبهشت ۱۴۰۵"),
    "points": loyalty.points(9_999_999),
    "balance": loyalty.points(99_999_999),
    "days": number(36_500),
    "score": number(100),
    "threshold": number(100),
    "before": number(100),
    "after": number(100),
}


def test_there_are_words_for_every_occasion():
    assert set(WORDS) == set(OCCASIONS)


@pytest.mark.parametrize("occasion", OCCASIONS)
def test_a_text_for_customers_is_one_sms_in_both_languages(occasion):
    told = for_sms(WORDS[occasion].customer, WORST)
    assert is_gsm(told.en)
    assert (parts(told.en), parts(told.fa)) == (1, 1), told
    assert "{" not in told.en + told.fa


@pytest.mark.parametrize("occasion", OCCASIONS)
def test_a_text_has_only_places_that_its_occasion_fills(occasion):
    words = WORDS[occasion]
    assert {*places(words.rep), *places(words.customer)} <= set(words.places)
    assert "customer" not in places(words.customer)


def test_a_value_that_looks_like_a_place_is_not_filled_in_turn():
    values = {"tier": Text("{day}", "{day}"), "day": Text("1", "۱")}
    assert filled(Text("{tier} {nothing}", "{tier}"), values) == Text("{day} {nothing}", "{day}")


def test_marks_of_direction_stay_out_of_an_sms():
    told = for_sms(Text("{points}", "{points}"), {"points": number(-1250)})
    assert told.fa == "−۱٬۲۵۰"
