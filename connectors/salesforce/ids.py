"""Record ids: 15 characters, of which the case matters, or 18 with three more that repeat it."""

from __future__ import annotations

import re

SHORT = 15

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_GROUP = 5

NOBODY = "0" * SHORT
"""What an event about too many records names instead of them."""


def full(identity: object) -> str:
    """The id in 18 characters; empty for what is no id of one record.

    >>> full("00DWs000004ExA1"), full("001*"), full("000000000000000AAA")
    ('00DWs000004ExA1MAK', '', '')
    """
    if not isinstance(identity, str) or not identity.isascii() or not _ID.fullmatch(identity):
        return ""
    short = identity[:SHORT]
    return "" if short == NOBODY else short + _suffix(short)


def spelled(identity: str) -> str:
    """As Salesforce's own messages spell it, who shows people ids of 15 characters.

    >>> spelled("003Ws00000A1b2C"), spelled("shop-4711")
    ('003Ws00000A1b2CIAR', 'shop-4711')
    """
    return full(identity) or identity if len(identity) == SHORT else identity


def same(one: str, other: str) -> bool:
    """Whether both are one id, in whichever form."""
    return one[:SHORT] == other[:SHORT] and len(one) >= SHORT


def _suffix(short: str) -> str:
    groups = (short[start : start + _GROUP] for start in range(0, SHORT, _GROUP))
    return "".join(_SUFFIX[_capitals(group)] for group in groups)


def _capitals(group: str) -> int:
    return sum(1 << place for place, sign in enumerate(group) if "A" <= sign <= "Z")
