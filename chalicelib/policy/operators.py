"""What can be asked of a value: from the word and operand on the page to a test.

A new operator is one row of ``OPERATORS``. Texts are compared in their key form, numbers that were
typed as texts count as what they say, and of a value that is missing nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from chalicelib.core.model import Json
from chalicelib.core.policy import AttributeType
from chalicelib.localization.letters import key_form
from chalicelib.localization.reading import number_of

Test = Callable[[Json], bool | None]
"""Of a value, which is None if it is missing."""


LONGEST_TEXT = 500
"""So much of a text is held against a regular expression: see ``patterns``."""


@dataclass(frozen=True, slots=True)
class Operator:
    """``operand`` is the JSON Schema of what stands beside it on the page."""

    operand: Mapping[str, Json]
    types: frozenset[AttributeType]
    compile: Callable[[Json], Test]


def _key(value: Json) -> object:
    if isinstance(value, str):
        return key_form(value)
    # Python takes True for 1; a person does not.
    return (value,) if isinstance(value, bool) else value


def _equals(operand: Json) -> Test:
    return _in([operand])


def _in(operand: Json) -> Test:
    keys = frozenset(_key(one) for one in cast(Sequence[Json], operand))

    def known(value: Json) -> bool | None:
        """A list or mapping is no value, whatever a source made of it."""
        if isinstance(value, str):
            return key_form(value) in keys
        return None if value is None or isinstance(value, _MANY) else _key(value) in keys

    return _numeric(known) if any(isinstance(key, int | float) for key in keys) else known


_MANY = (list, dict)


def _numeric(known: Test) -> Test:
    """What was typed as text counts as the number that it says; what says none is missing."""
    return lambda value: known(number_of(value) if isinstance(value, str) else value)


def _at_least(operand: Json) -> Test:
    return _between([operand, float("inf")])


def _at_most(operand: Json) -> Test:
    return _between([float("-inf"), operand])


def _between(operand: Json) -> Test:
    low, high = cast(Sequence[float], operand)

    def between(value: Json) -> bool | None:
        if type(value) is int:  # as most are, and not bool
            return low <= value <= high
        number = number_of(value)
        return None if number is None else low <= number <= high

    return between


def _contains(operand: Json) -> Test:
    keys = [key_form(text) for text in _texts(operand)]
    if len(keys) == 1:
        (only,) = keys
        return lambda value: only in key_form(value) if isinstance(value, str) else None
    return _of_text(lambda text: any(key in text for key in keys))


def _has_word(operand: Json) -> Test:
    words = "|".join(re.escape(key_form(text)) for text in _texts(operand))
    search = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE).search
    return lambda value: search(key_form(value)) is not None if isinstance(value, str) else None


def _matches(operand: Json) -> Test:
    search = re.compile(str(operand), re.IGNORECASE).search
    return _of_text(lambda text: search(text[:LONGEST_TEXT]) is not None)


def _of_text(holds: Callable[[str], bool]) -> Test:
    return lambda value: holds(key_form(value)) if isinstance(value, str) else None


def _texts(operand: Json) -> Sequence[str]:
    return [operand] if isinstance(operand, str) else cast(Sequence[str], operand)


def _present(operand: Json) -> Test:
    return lambda value: (value is not None) is operand


def _missing(operand: Json) -> Test:
    return lambda value: (value is None) is operand


_SCALAR: dict[str, Json] = {
    "type": ["string", "number", "boolean"],
    "description": "a text, a number, or true or false",
}
_NUMBER: dict[str, Json] = {"type": "number"}
_NAMES: dict[str, Json] = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
    ],
    "description": "a text, or a list of texts of which one is enough",
}
_LIST: dict[str, Json] = {"type": "array", "minItems": 1, "items": _SCALAR}
_PAIR: dict[str, Json] = {"type": "array", "minItems": 2, "maxItems": 2, "items": _NUMBER}
_TRUE_OR_FALSE: dict[str, Json] = {"type": "boolean"}

_WORDS: frozenset[AttributeType] = frozenset({"text", "choice"})
_NUMBERS: frozenset[AttributeType] = frozenset({"number"})
_VALUES: frozenset[AttributeType] = frozenset({"text", "number", "boolean", "choice"})
_KNOWN: frozenset[AttributeType] = _VALUES | {"date"}

OPERATORS: Mapping[str, Operator] = {
    "equals": Operator(_SCALAR, _VALUES, _equals),
    "in": Operator(_LIST, _VALUES, _in),
    "at_least": Operator(_NUMBER, _NUMBERS, _at_least),
    "at_most": Operator(_NUMBER, _NUMBERS, _at_most),
    "between": Operator(_PAIR, _NUMBERS, _between),
    "contains": Operator(_NAMES, _WORDS, _contains),
    "has_word": Operator(_NAMES, _WORDS, _has_word),
    "matches": Operator({"type": "string", "format": "regex"}, _WORDS, _matches),
    "present": Operator(_TRUE_OR_FALSE, _KNOWN, _present),
    "missing": Operator(_TRUE_OR_FALSE, _KNOWN, _missing),
}
