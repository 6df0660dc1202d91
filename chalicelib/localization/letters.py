"""Persian and Latin text in the two forms that the product uses.

The *display form* is what people see: one letter for what is one letter to the reader, however
it was typed. The *key form* is what rules compare: real Persian text has often lost its
half-spaces and hamzas, so two spellings of a word must meet there.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

HALF_SPACE = "\u200c"

_PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
_ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"

# Arabic keyboards give these for Persian yeh and kaf; to the eye they are the same letters.
_LETTERS = {"ي": "ی", "ى": "ی", "ك": "ک"}
_DIGITS = {
    letter: str(value)
    for digits in (_PERSIAN_DIGITS, _ARABIC_DIGITS)
    for value, letter in enumerate(digits)
}
_INVISIBLE = [
    0x0640,  # tatweel stretches a word
    *range(0x064B, 0x0653), 0x0670,  # harakat
    0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF,  # directions
]  # fmt: skip
_DISPLAY = str.maketrans(_LETTERS | _DIGITS | {chr(code): "" for code in _INVISIBLE})

_KEY = str.maketrans({
    HALF_SPACE: "",
    "آ": "ا", "أ": "ا", "إ": "ا", "ٱ": "ا",
    "ؤ": "و", "ئ": "ی", "ۀ": "ه", "ة": "ه",
    "ء": "",
    "\u0653": "", "\u0654": "", "\u0655": "",  # madda and hamza typed as marks: «صفحهٔ»
})  # fmt: skip

_LOOSE_HALF_SPACE = re.compile(r"\u200c*\s\u200c*|\u200c+(?=\u200c)|^\u200c+|\u200c+$")


def _display_once(text: str) -> str:
    letters = unicodedata.normalize("NFKC", text).translate(_DISPLAY)
    spaced = _LOOSE_HALF_SPACE.sub(lambda found: " " if found[0].strip(HALF_SPACE) else "", letters)
    return " ".join(spaced.split())


def _key_once(text: str) -> str:
    return _display_once(text).translate(_KEY).casefold()


def display_form(text: str) -> str:
    r"""One spelling for what looks alike; half-spaces stay where they join a word.

    >>> display_form("شركت  ۱۲٣ مي‌رود")
    'شرکت 123 می\u200cرود'
    """
    # Taking a mark away may let two neighbours compose, so until nothing changes any more.
    while (again := _display_once(text)) != text:
        text = again
    return text


@lru_cache(maxsize=4096)
def key_form(text: str) -> str:
    """For comparing and matching.

    >>> key_form("مدیر‌عامل") == key_form("مديرعامل")
    True
    >>> key_form("  Chief  TECHNOLOGY Officer ")
    'chief technology officer'
    """
    while (again := _key_once(text)) != text:
        text = again
    return text
