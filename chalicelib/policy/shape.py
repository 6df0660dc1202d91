"""The first look at a page: is it JSON, and has it the shape that the schema asks for?"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from chalicelib.policy.problem import Problem, instead, pointer
from chalicelib.policy.schema import policy_schema

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]

_LARGEST = 10**18
"""More than anybody has or counts; far beyond it, sums and days leave what a machine can hold."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of a character, which no file can hold."""


def not_json(value: object, path: Path = ()) -> Iterator[Problem]:
    """What YAML can say and JSON cannot: keys that are no text, dates, infinity."""
    match value:
        case Mapping():
            for key, inner in value.items():
                if not isinstance(key, str):
                    yield Problem(pointer(path), f"put the key {key!r} in quotes")
                yield from not_json(inner, (*path, str(key)))
        case list():
            for index, inner in enumerate(value):
                yield from not_json(inner, (*path, index))
        case None | bool() | int() | float() | str():
            if advice := _unwritable(value):
                yield Problem(pointer(path), advice)
        case _:
            yield Problem(pointer(path), f"put {value} in quotes")


def _unwritable(value: float | str | None) -> str:
    """What to do about a value that has a type of JSON and yet cannot be kept, or counted with."""
    if isinstance(value, str):
        sign = _UNPRINTABLE.search(value)
        return f"remove the invisible character {sign[0]!a}" if sign else ""
    if isinstance(value, float) and not math.isfinite(value):
        return "write a finite number"
    return f"write a number of at most {_LARGEST}" if value and abs(value) > _LARGEST else ""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that breaks one keyword of the schema it stands under."""

    keyword: str
    expected: Any
    value: Any
    schema: Mapping[str, Any]
    message: str


def misshapen(page: Mapping[str, Any]) -> Iterator[Problem]:
    """Where the page departs from the schema."""
    # Only who writes a policy pays for the library; Lambda's process merely compiles.
    from jsonschema import Draft202012Validator

    # The only format, of regular expressions, is looked at more closely by ``checks``.
    validator = Draft202012Validator(policy_schema())
    found = [
        (pointer(error.absolute_path), _misfit(error)) for error in validator.iter_errors(page)
    ]
    found = [(where, misfit) for where, misfit in found if not _follows(where, misfit, found)]
    problems = [one for where, misfit in found for one in _problems(where, misfit)]
    misspelt = {(one.pointer, f"add {meant}") for one in problems if (meant := _meant(one))}
    yield from (one for one in problems if (one.pointer, one.message) not in misspelt)


def _follows(where: str, misfit: Misfit, found: Sequence[tuple[str, Misfit]]) -> bool:
    """Whether it will be gone once another one is mended, or is told by it already.

    A misspelt key is why none of those is there of which one must be; of a list that is too short
    or too long, and of a pair that begins wrong, the rest is not worth reading.
    """
    keywords = {(place, other.keyword) for place, other in found}
    if misfit.keyword == "anyOf":
        return (where, "additionalProperties") in keywords
    parent, _, index = where.rpartition("/")
    if index.isdecimal() and not {(parent, "minItems"), (parent, "maxItems")}.isdisjoint(keywords):
        return True
    is_number = isinstance(misfit.value, int | float)
    return is_number and index == "1" and any(place == f"{parent}/0" for place, _ in keywords)


def _problems(where: str, misfit: Misfit) -> Iterator[Problem]:
    if misfit.keyword == "additionalProperties":
        yield from (Problem(where, *told) for told in _unknown_keys(misfit))
    else:
        yield Problem(where, _advice(misfit))


def _meant(problem: Problem) -> str:
    """The key that a misspelt one stands for, which is not missing then."""
    _, found, word = problem.message.partition("did you mean ")
    return word.removesuffix("?") if problem.key and found else ""


def _misfit(error: ValidationError) -> Misfit:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    return Misfit(
        str(error.validator), error.validator_value, error.instance, schema, error.message
    )


def _advice(misfit: Misfit) -> str:
    advise = _ADVICE.get(misfit.keyword)
    return advise(misfit) if advise else misfit.message


def _unknown_keys(misfit: Misfit) -> Iterator[tuple[str, str]]:
    """What is wrong with each, and the key."""
    known = list(misfit.schema["properties"])
    for key in map(str, misfit.value):
        if key not in known:
            yield f"{key} is unknown here, {instead(key, known)}", key


def _missing_key(misfit: Misfit) -> str:
    # One misfit per missing key, and only its message says which.
    missing = next(key for key in misfit.expected if misfit.message.startswith(f"{key!r} "))
    return f"add {missing}"


def _wrong_type(misfit: Misfit) -> str:
    expected = misfit.expected if isinstance(misfit.expected, list) else [misfit.expected]
    return (
        f"write {' or '.join(_TYPES[name] for name in expected)} instead of {_said(misfit.value)}"
    )


def _unknown_word(misfit: Misfit) -> str:
    return f"{misfit.value!r} is unknown, {instead(misfit.value, misfit.expected)}"


def _described(misfit: Misfit) -> str:
    described, words = misfit.schema.get("description"), _words(misfit)
    if words and get_close_matches(str(misfit.value), words, n=1):
        return f"{misfit.value!r} is unknown, {instead(misfit.value, words)}"
    return f"write {described} instead of {_said(misfit.value)}" if described else misfit.message


def _words(misfit: Misfit) -> list[str]:
    forms = misfit.expected if isinstance(misfit.expected, list) else []
    return [word for form in forms for word in form.get("enum", ())]


def _said(value: object) -> str:
    """A value as it stands on the page, or what it is where that is long.

    >>> _said("no"), _said(False), _said(None), _said([1] * 40)
    ("'no'", 'false', 'nothing', 'a list')
    """
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    told = repr(value)
    return told if len(told) <= _LONG else f"a {_CONTAINERS.get(type(value), 'longer value')}"


_LONG = 60
_CONTAINERS: Mapping[type, str] = {list: "list", dict: "mapping", str: "long text"}


def _bound(words: str) -> Callable[[Misfit], str]:
    return lambda misfit: (
        f"write a number {words} {misfit.expected} instead of {_said(misfit.value)}"
    )


def _size(words: str) -> Callable[[Misfit], str]:
    return lambda misfit: f"write {words} {misfit.expected} of them"


_TYPES = {
    "object": "a mapping of keys to values",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}

_ADVICE: Mapping[str, Callable[[Misfit], str]] = {
    "required": _missing_key,
    "type": _wrong_type,
    "enum": _unknown_word,
    "pattern": _described,
    "anyOf": _described,
    "minimum": _bound("of at least"),
    "maximum": _bound("of at most"),
    "exclusiveMinimum": _bound("greater than"),
    "minLength": lambda _: "write at least one letter",
    "minItems": _size("at least"),
    "maxItems": _size("at most"),
}
