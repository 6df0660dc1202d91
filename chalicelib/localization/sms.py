"""How long a text is as a short message: in which alphabet it travels, and in how many parts.

Source: 3GPP TS 23.038 (GSM 7-bit default alphabet and its extension table), TS 23.040 (parts of
a longer message carry a header of six bytes).
"""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each of these takes the place of two."""

ONE_PART = {True: 160, False: 70}
_OF_MORE = {True: 153, False: 67}
"""By whether the text is in the GSM alphabet; else it is in UCS-2."""

_CONTROLS = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200e\u200f"))


def is_gsm(text: str) -> bool:
    """Whether the seven-bit alphabet has all of it.

    >>> is_gsm("50 € left"), is_gsm("۵۰ تومان")
    (True, False)
    """
    return not set(text) - _BASIC - _EXTENDED


def units(text: str) -> int:
    """Septets, or UCS-2 code units where the text needs these.

    >>> units("50 €"), units("سلام")
    (5, 4)
    """
    if is_gsm(text):
        return len(text) + sum(character in _EXTENDED for character in text)
    return len(text.encode("utf-16-be")) // 2


def parts(text: str) -> int:
    """How many messages a network sends, and bills, for it.

    >>> parts("a" * 160), parts("a" * 161), parts("س" * 70), parts("س" * 71)
    (1, 2, 1, 2)
    """
    size, gsm = units(text), is_gsm(text)
    return 1 if size <= ONE_PART[gsm] else -(-size // _OF_MORE[gsm])


def plain(text: str) -> str:
    r"""Without the marks of direction, which old telephones show as boxes.

    >>> plain("\u2068۱۲\u2069 امتیاز")
    '۱۲ امتیاز'
    """
    return text.translate(_CONTROLS)
