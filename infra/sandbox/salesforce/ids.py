"""Record ids: 15 characters that tell cases apart, and 3 more for whoever cannot."""

from __future__ import annotations

import re
from itertools import count
from string import ascii_lowercase, ascii_uppercase, digits

from infra.sandbox.salesforce.errors import ApiError

_ALPHABET = digits + ascii_uppercase + ascii_lowercase
_CHECKS = ascii_uppercase + "012345"
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?")
_SHORT = 15
_NUMBER = 9
_POD = "Ws0"


def long_id(short: str) -> str:
    """With its checksum.

    >>> long_id("00QWs00000Kp3Qd")
    '00QWs00000Kp3QdMAJ'
    """
    groups = (short[start : start + 5] for start in range(0, _SHORT, 5))
    return short + "".join(_CHECKS[_capitals(group)] for group in groups)


def _capitals(group: str) -> int:
    """Of each capital letter the bit of its place."""
    return sum(1 << place for place, letter in enumerate(group) if letter in ascii_uppercase)


def is_id(text: object) -> bool:
    return isinstance(text, str) and bool(_ID.fullmatch(text))


def normal(text: object) -> str:
    """The long form of either. Raises ``ApiError``."""
    if not isinstance(text, str) or not is_id(text):
        raise ApiError("MALFORMED_ID", f"bad id {text}", fields=("Id",))
    return long_id(text[:_SHORT])


class Numbering:
    """Ids of one prefix after another, the same in every run."""

    def __init__(self) -> None:
        self._counts: dict[str, count[int]] = {}

    def next(self, prefix: str) -> str:
        number = next(self._counts.setdefault(prefix, count(1)))
        return long_id(f"{prefix}{_POD}{_spell(number)}")


def _spell(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    return text.rjust(_NUMBER, "0")
