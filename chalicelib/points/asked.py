"""What a caller sends, checked by the document and made plain.

A fault names the place as a JSON pointer, RFC 6901, says what to write there, and repeats no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from chalicelib.core.errors import PayloadInvalid
from chalicelib.core.json_schema import for_python
from chalicelib.core.model import Json, Money
from chalicelib.loyalty.instructions import Adjust, Cancel, Redeem, Wanted
from chalicelib.points.document import Operation, document

KEY_HEADER = "Idempotency-Key"
NAMES = ("id", "email", "phone")
"""By what a customer may be named."""
_TOMAN = frozenset({"IRT", "TMN"})
_TOMAN_IN_RIAL = 10
_DIGITS = 15
"""Of a number, long before Python refuses to read it."""

Body = Mapping[str, Any]


class AskedAmiss(PayloadInvalid):
    """``pointer`` is into the body, or the name of a parameter or header."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"{pointer or 'the body'}: {reason}")
        self.pointer = pointer


def checked_body(body: Json, operation: Operation) -> Body:
    """Raises AskedAmiss."""
    faults = sorted(_validator(operation.body).iter_errors(body), key=_rank)
    if faults:
        raise _amiss(faults[0])
    return cast(Body, body)


def checked_query(query: Mapping[str, Sequence[str]], operation: Operation) -> Mapping[str, str]:
    """Each parameter once at the most, and none that nobody asks for. Raises AskedAmiss."""
    for name, values in query.items():
        if name not in operation.query:
            known = ", ".join(operation.query) or "none"
            raise AskedAmiss(name, f"is not known here; there are {known}")
        if len(values) != 1:
            raise AskedAmiss(name, "write it once")
    for name in operation.query:
        _check_parameter(name, query.get(name, [None])[0], operation)
    return {name: values[0] for name, values in query.items()}


def checked_key(value: str | None, operation: Operation) -> str:
    """The idempotency key. Raises AskedAmiss."""
    _check_parameter(KEY_HEADER, value, operation)
    return value or ""


def who(query: Mapping[str, str], body: Body) -> tuple[str, str]:
    """By what the customer is named, and how. Raises AskedAmiss."""
    named = body["who"] if body else {name: query[name] for name in NAMES if name in query}
    if len(named) != 1:
        raise AskedAmiss(NAMES[0], f"write exactly one of {', '.join(NAMES)}")
    ((name, value),) = named.items()
    return name, value


def wanted(body: Body, operation: str) -> Wanted:
    """What a write asks for, of a checked body."""
    reason = body.get("reason", "")
    match operation:
        case "redeem":
            return Redeem(int(body.get("points", 0)), body.get("reward", ""), reason)
        case "cancel":
            return Cancel(body["redemption"], reason)
    return Adjust(int(body["points"]), body["actor"], reason)


def purchase(body: Body) -> dict[str, Json]:
    """The data of a purchase, with its money in the units of this project."""
    told = dict(body["purchase"])
    return told | {name: _money(told[name]) for name in ("amount", "value") if name in told}


def _money(told: Mapping[str, Any]) -> Json:
    amount, currency = int(told["amount"]), str(told["currency"])
    if currency in _TOMAN:
        return Money(amount * _TOMAN_IN_RIAL, "IRR").to_json()
    return Money(amount, currency).to_json()


def _check_parameter(name: str, value: str | None, operation: Operation) -> None:
    told = operation.parameters[name]
    if value is None:
        if told["required"]:
            raise AskedAmiss(name, f"is missing: write {told['description']}")
        return
    schema = told["schema"]
    is_number = schema["type"] == "integer"
    if is_number and not (value.isascii() and value.isdecimal() and len(value) <= _DIGITS):
        raise AskedAmiss(name, "write a whole number")
    if not Draft202012Validator(for_python(schema)).is_valid(int(value) if is_number else value):
        raise AskedAmiss(name, f"write {told['description']}")


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return Draft202012Validator(for_python(schema))


def _rank(error: ValidationError) -> tuple[int, str]:
    return len(error.absolute_path), _pointer(error.absolute_path)


def _amiss(error: ValidationError) -> AskedAmiss:
    path, inside = list(error.absolute_path), cast("Mapping[str, Any]", error.schema)
    properties = list(inside.get("properties", {}))
    match error.validator:
        case "required":
            wanting = cast("list[str]", error.validator_value)
            name = next(one for one in wanting if one not in cast(Body, error.instance))
            return AskedAmiss(_pointer([*path, name]), "is missing")
        case "additionalProperties":
            name = next(one for one in cast(Body, error.instance) if one not in properties)
            return AskedAmiss(_pointer(path), f"has a member too many; there are {properties}")
        case "oneOf":
            return AskedAmiss(_pointer(path), "write either points or reward")
    hint = inside.get("description") or f"one of {', '.join(properties)}"
    return AskedAmiss(_pointer(path), f"write {hint}" if inside else "write something else")


def _pointer(path: Any) -> str:
    r"""By RFC 6901.

    >>> _pointer(["purchase", "a/b", 1])
    '/purchase/a~1b/1'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
