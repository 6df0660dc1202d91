"""Conditions: from the page's JSON to functions of a profile.

A condition has one form: ``attribute`` with operators that must all hold, or ``all``, ``any``,
``not`` over other conditions. It is true, false or, where an attribute is missing, unknown, by
Kleene's logic: unknown and false is false, unknown or true is true, all else stays unknown.
``when_missing`` says what unknown shall be. Texts are compared in their key form.

A new operator is one row of ``OPERATORS``; a new form, say a count in a window, one of ``FORMS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from chalicelib.core.model import Json
from chalicelib.core.policy import AttributeType, Condition, Profile
from chalicelib.localization.letters import key_form
from chalicelib.localization.reading import number_of

Test = Callable[[Json], bool | None]
"""Of an attribute's value, which is None if it is missing."""


def compile_condition(node: Mapping[str, Json]) -> Condition:
    """The function of a condition that has passed validation.

    >>> from datetime import UTC, datetime
    >>> from chalicelib.core.facts import FactSet
    >>> from chalicelib.core.model import Ref
    >>> profile = Profile(Ref("hubspot-main", "contact", "1"), datetime(2026, 3, 21, tzinfo=UTC),
    ...                   {"job_title": "Chief  TECHNOLOGY Officer"}, {}, (), FactSet())
    >>> compile_condition({"attribute": "job_title", "has_word": ["chief", "مدیرعامل"]})(profile)
    True
    >>> compile_condition({"attribute": "country", "equals": "Iran"})(profile) is None
    True
    """
    form = next(form for form in FORMS if form in node)
    condition = FORMS[form](node)
    if "when_missing" in node:
        return _settled(condition, cast(bool, node["when_missing"]))
    return condition


def _settled(condition: Condition, when_missing: bool) -> Condition:
    def settled(profile: Profile) -> bool:
        holds = condition(profile)
        return when_missing if holds is None else holds

    return settled


def _attribute(node: Mapping[str, Json]) -> Condition:
    tests = [
        OPERATORS[name].compile(operand) for name, operand in node.items() if name in OPERATORS
    ]
    read = _reader(str(node["attribute"]))
    if len(tests) == 1:
        only = tests[0]
        return lambda profile: only(read(profile))

    def every(profile: Profile) -> bool | None:
        value = read(profile)
        return _both(test(value) for test in tests)

    return every


def _reader(name: str) -> Callable[[Profile], Json]:
    of, _, own = name.rpartition(".")
    if not of:
        return lambda profile: _value(profile.attributes.get(own))
    return lambda profile: _value(cast(Mapping[str, Json], profile.attributes[of]).get(own))


def _value(value: Json) -> Json:
    return None if value == "" else value


def _all(node: Mapping[str, Json]) -> Condition:
    parts = _parts(node["all"])
    return lambda profile: _both(part(profile) for part in parts)


def _any(node: Mapping[str, Json]) -> Condition:
    parts = _parts(node["any"])
    return lambda profile: _not(_both(_not(part(profile)) for part in parts))


def _none(node: Mapping[str, Json]) -> Condition:
    (part,) = _parts([node["not"]])
    return lambda profile: _not(part(profile))


def _parts(nodes: Json) -> list[Condition]:
    return [compile_condition(node) for node in cast(list[Mapping[str, Json]], nodes)]


def _both(found: Iterable[bool | None]) -> bool | None:
    """Kleene's "and" over any number: one false is enough, one unknown keeps it open."""
    verdict: bool | None = True
    for holds in found:
        if holds is False:
            return False
        if holds is None:
            verdict = None
    return verdict


def _not(holds: bool | None) -> bool | None:
    return None if holds is None else not holds


FORMS: Mapping[str, Callable[[Mapping[str, Json]], Condition]] = {
    "attribute": _attribute,
    "all": _all,
    "any": _any,
    "not": _none,
}


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
    if any(isinstance(key, int | float) for key in keys):
        return _numeric(lambda value: _key(value) in keys)
    return lambda value: None if value is None else _key(value) in keys


def _numeric(test: Callable[[Json], bool]) -> Test:
    """What was typed as text counts as the number that it says; what says none is missing."""

    def numeric(value: Json) -> bool | None:
        read = number_of(value) if isinstance(value, str) else value
        return None if read is None else test(read)

    return numeric


def _at_least(operand: Json) -> Test:
    return _between([operand, float("inf")])


def _at_most(operand: Json) -> Test:
    return _between([float("-inf"), operand])


def _between(operand: Json) -> Test:
    low, high = cast(Sequence[float], operand)

    def between(value: Json) -> bool | None:
        number = number_of(value)
        return None if number is None else low <= number <= high

    return between


def _contains(operand: Json) -> Test:
    keys = [key_form(text) for text in _texts(operand)]
    return _of_text(lambda text: any(key in text for key in keys))


def _has_word(operand: Json) -> Test:
    words = "|".join(re.escape(key_form(text)) for text in _texts(operand))
    return _matches(rf"(?<!\w)(?:{words})(?!\w)")


def _matches(operand: Json) -> Test:
    pattern = re.compile(str(operand), re.IGNORECASE)
    return _of_text(lambda text: pattern.search(text) is not None)


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
