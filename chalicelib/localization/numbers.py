"""Numbers and money as people write them."""

from __future__ import annotations

from functools import lru_cache

from persiantools.digits import EN_TO_FA_MAP

from chalicelib.core.model import Money, Text, exponent

_CURRENCIES = {"USD": "دلار", "EUR": "یورو"}
_PERSIAN = EN_TO_FA_MAP | str.maketrans({",": "٬", ".": "٫", "-": "−"})


def persian(number: str) -> str:
    r"""A formatted number in Persian digits and separators.

    It stands between U+2068 and U+2069, so that a sign or a separator does not jump to the
    other side when a CRM shows the sentence from right to left.

    >>> persian("-1,250.5")
    '\u2068−۱٬۲۵۰٫۵\u2069'
    """
    return f"\u2068{number.translate(_PERSIAN)}\u2069"


@lru_cache(maxsize=1024)
def number(value: int) -> Text:
    """With separators between thousands.

    >>> number(1250).en
    '1,250'
    """
    return Text(f"{value:,}", persian(f"{value:,}"))


@lru_cache(maxsize=1024)
def signed(value: int) -> Text:
    """With its sign, also when positive.

    >>> signed(12).en, signed(-5).en
    ('+12', '-5')
    """
    return Text(f"{value:+,}", persian(f"{value:+,}"))


@lru_cache(maxsize=1024)
def tenths(value: float) -> Text:
    """With one decimal place, unless that is nought.

    >>> tenths(12.5).en, tenths(30.04).en
    ('12.5', '30')
    """
    told = f"{value:,.1f}".removesuffix(".0")
    return Text(told, persian(told))


def money(value: Money) -> Text:
    r"""Persian readers think in toman, of which one is ten rial.

    >>> money(Money(2933, "USD")).en
    '29.33 USD'
    >>> money(Money(15_000_000, "IRR"))
    Text(en='15,000,000 IRR', fa='\u2068۱٬۵۰۰٬۰۰۰\u2069 تومان')
    """
    told = _grouped(value.amount, exponent(value.currency))
    return Text(f"{told} {value.currency}", _persian_money(value, told))


def _persian_money(value: Money, told: str) -> str:
    if value.currency == "IRR":
        toman = _grouped(value.amount, 1).removesuffix(".0")
        return f"{persian(toman)} تومان"
    return f"{persian(told)} {_CURRENCIES.get(value.currency, value.currency)}"


def _grouped(amount: int, places: int) -> str:
    """An amount in smallest units as so many major ones; a Decimal would take far longer.

    >>> _grouped(-1_234_505, 2), _grouped(1_234, 0)
    ('-12,345.05', '1,234')
    """
    if not places:
        return f"{amount:,}"
    major, minor = divmod(abs(amount), 10**places)
    return f"{'-' if amount < 0 else ''}{major:,}.{str(minor).zfill(places)}"
