from chalicelib.core.model import Money, Text
from chalicelib.localization.customers import (
    beyond_others,
    last_purchase,
    more_purchases,
    purchases,
    spent,
)

LAST = Text("4 days ago", "۴ روز پیش")


def bare(text):
    return text.replace("\u2068", "").replace("\u2069", "")


def test_purchases_are_told_in_both_languages():
    assert last_purchase(LAST).en == "Last purchase 4 days ago"
    assert purchases(1).en == "Bought once"
    assert bare(purchases(4).fa) == "۴ بار خرید"
    assert spent(Money(29_330, "USD")).en == "Spent 293.30 USD in all"
    assert bare(spent(Money(29_330, "IRR")).fa) == "مجموع خرید ۲٬۹۳۳ تومان"
    assert bare(spent(Money(29_330, "IRR"), 90).fa) == "خرید ۹۰ روز اخیر ۲٬۹۳۳ تومان"
    assert spent(Money(2_933, "USD"), each=True).en == "Spends 29.33 USD at a time"


def test_4_4_the_explanation_says_how_many_are_left_behind():
    said = beyond_others(last_purchase(LAST), "recent", 80)
    assert said.en == "Last purchase 4 days ago, more recent than 80 % of customers"
    assert bare(said.fa) == "آخرین خرید ۴ روز پیش، تازه‌تر از ۸۰٪ مشتریان"
    assert beyond_others(LAST, "often", 40) == LAST


def test_4_4_the_explanation_says_what_would_change_the_segment():
    said = more_purchases(2, Text("Champion", "قهرمان"))
    assert said.en == "2 more purchases → Champion"
    assert bare(said.fa) == "۲ خرید دیگر ← قهرمان"
    assert more_purchases(1, Text("Loyal", "وفادار")).en == "One more purchase → Loyal"
