"""Telephone numbers in one form, E.164, however they were typed.

>>> e164("۰۹۱۲ ۳۴۵ ۶۷۸۹"), e164("+98 (0) 912 345 6789"), e164("021 8888 7777 داخلی 12")
('+989123456789', '+989123456789', '+982188887777')
>>> e164("88887777") is None, e164("88887777", area_code="21")
(True, '+982188887777')

A local number without its area code may be of any town: it is missing unless the area code is
given. So is whatever is no valid number.
"""

from __future__ import annotations

import re
from functools import lru_cache

from chalicelib.localization.letters import key_form

_EXTENSION = re.compile(r"(?:داخلی|داخل|ext(?:ension)?\b|(?<=\d)\s*x|#)[\s.:]*\d+.*$")
_TRUNK_IN_BRACKETS = re.compile(r"\(0\)")
_SIGNS = re.compile(r"[^0-9+]")
_LOCAL_DIGITS = 8
_LONGEST = 40


@lru_cache(maxsize=4096)
def e164(text: str, region: str = "IR", area_code: str | None = None) -> str | None:
    """None for what is no valid number; ``region`` is that of numbers without a country."""
    # Half a megabyte that only those who look at telephone numbers load.
    import phonenumbers

    if len(text) > _LONGEST:
        return None
    digits = _digits(text)
    if region == "IR":
        digits = _iranian(digits, area_code)
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _digits(text: str) -> str:
    plain = _EXTENSION.sub("", key_form(text))
    digits = _SIGNS.sub("", _TRUNK_IN_BRACKETS.sub("", plain))
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _iranian(digits: str, area_code: str | None) -> str:
    """With the trunk's zero where it was left out; without, 8 digits are a local number."""
    if digits.startswith(("+", "0")):
        return digits
    if len(digits) == len("989123456789") and digits.startswith("98"):
        return f"+{digits}"
    if len(digits) == _LOCAL_DIGITS:
        return f"0{area_code}{digits}" if area_code else ""
    return f"0{digits}"
