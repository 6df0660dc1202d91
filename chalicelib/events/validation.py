"""Each item for itself: what is wrong with it and what to write instead, or the item made plain.

A fault never repeats a value, for what is told of a person is kept no longer than it takes to
answer. It names the place as a JSON pointer, RFC 6901, counted from the item.

>>> from datetime import UTC
>>> now = datetime(2026, 3, 21, 12, tzinfo=UTC)
>>> item = {"who": {"email": "anna@acme.example"}, "type": "page.viewed", "id": "v1",
...         "occurred_at": "2026-03-21T11:59:00Z"}
>>> checked(item, "hubspot-main", now)["data"]
{'kind': 'page.viewed'}
>>> checked({**item, "occurred_at": "yesterday"}, "hubspot-main", now)
Fault(pointer='/occurred_at', reason='write an instant with its time zone, as 2026-03-21T12:00:00Z')
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from chalicelib.core.facts import ORDER, SKEW, TOLD, parse_instant
from chalicelib.core.json_schema import for_python
from chalicelib.core.model import SUBJECT_KINDS, Json, Money, Ref

Item = dict[str, Json]

ITEM_BYTES = 32 * 1024
_TOMAN = frozenset({"IRT", "TMN"})
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

_FILE = Path(__file__).with_name("item.schema.json")
_NAMED = {"order.placed": "purchase", "order.refunded": "refund"}
_TYPES = frozenset({"purchase", "refund", "activity", "survey", "ticket"})
_DATED = {"survey": "answered_at", "ticket": "opened_at"}


@dataclass(frozen=True, slots=True)
class Fault:
    """``pointer`` is empty for the item as a whole; ``reason`` says what to write there."""

    pointer: str
    reason: str


@cache
def schema() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(_FILE.read_text("utf-8")))


def checked(item: Json, connection: str, now: datetime) -> Item | Fault:
    """The item with the type and data of a fact, ``who`` beside them; or its first fault."""
    found = _misshapen(item) or _out_of_bounds(cast(Item, item), connection, now)
    return found or _plain(cast(Item, item))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(for_python(schema()))


def _misshapen(item: Json) -> Fault | None:
    faults = sorted(_validator().iter_errors(item), key=_rank)
    return _fault(faults[0]) if faults else None


def _rank(error: ValidationError) -> tuple[int, str]:
    """What is missing or unknown at the top comes first, then one place after the other."""
    return len(error.absolute_path), _pointer(error.absolute_path)


def _fault(error: ValidationError) -> Fault:
    path, inside = list(error.absolute_path), cast("Mapping[str, Any]", error.schema)
    match error.validator:
        case "required":
            wanted = cast("list[str]", error.validator_value)
            name = next(one for one in wanted if one not in cast(Item, error.instance))
            hint = _described(inside.get("properties", {}).get(name, {})) or _hint_of(name)
            return Fault(_pointer([*path, name]), f"is missing: write {hint}")
        case "additionalProperties":
            known = list(inside.get("properties", {}))
            name = next(one for one in cast(Item, error.instance) if one not in known)
            return Fault(
                _pointer([*path, name]), f"is not known here: there are {', '.join(known)}"
            )
        case _:
            return Fault(_pointer(path), f"write {_described(inside) or 'something else'}")


def _described(part: Mapping[str, Any]) -> str:
    """What the schema says of a place, or of what the place refers to."""
    if "description" in part:
        return str(part["description"])
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    return str(schema()["$defs"].get(name, {}).get("description", ""))


def _hint_of(name: str) -> str:
    return _described(schema()["properties"].get(name, {})) or f"a member {name}"


def _pointer(path: Any) -> str:
    r"""By RFC 6901.

    >>> _pointer(["data", "a/b", "c~d"])
    '/data/a~1b/c~0d'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _out_of_bounds(item: Item, connection: str, now: datetime) -> Fault | None:
    """What no schema can say."""
    return next(_bounds(item, connection, now), None)


def _bounds(item: Item, connection: str, now: datetime) -> Iterator[Fault]:
    try:
        size = len(json.dumps(item, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        yield Fault("", "holds half of a surrogate pair: write whole characters")
        return
    if size > ITEM_BYTES:
        yield Fault("", f"has {size} bytes: write at most {ITEM_BYTES}")
    if str(item["id"]).startswith(ORDER):
        yield Fault("/id", f"begins as the CRM's own do: write another than {ORDER}")
    yield from _untimely(item, now)
    identity = cast("Mapping[str, str]", item["who"]).get("id")
    if identity is not None and _ref_of(identity, connection) is None:
        yield Fault("/who/id", f"write an id, or {connection}:contact: and an id after it")


def _untimely(item: Item, now: datetime) -> Iterator[Fault]:
    for pointer, text in _instants(item):
        try:
            at = parse_instant(text)
        except ValueError:
            yield Fault(pointer, "is no such day or time: write one that exists")
        else:
            if at > now + SKEW:
                yield Fault(pointer, "lies ahead: write when it happened, once it has")
            elif at < EARLIEST:
                yield Fault(pointer, f"lies before {EARLIEST.year}: write when it happened")


def _instants(item: Item) -> Iterator[tuple[str, str]]:
    data = cast(Item, item.get("data", {}))
    members = {"": item, "/data": data if item["type"] in _DATED else {}}
    for place, holder in members.items():
        for name in ("occurred_at", "modified_at", "answered_at", "opened_at", "closed_at"):
            if name in holder:
                yield f"{place}/{name}", str(holder[name])


def _ref_of(identity: str, connection: str) -> Ref | None:
    """Whom an id means: a contact, where it does not tell the kind. None for a record elsewhere."""
    if ":" not in identity:
        return Ref(connection, "contact", identity)
    try:
        ref = Ref.parse(identity)
    except ValueError:
        return None
    is_ours = ref.connection == connection and ref.kind in SUBJECT_KINDS and ":" not in ref.id
    return ref if is_ours else None


def _plain(item: Item) -> Item:
    name, data = str(item["type"]), dict(cast(Item, item.get("data", {})))
    kind = _NAMED.get(name) or (name if name in _TYPES else "activity")
    if kind == "activity":
        data["kind"] = name if name != "activity" else data["kind"]
    if kind in _DATED:
        data.setdefault(_DATED[kind], item["occurred_at"])
    told = {key: _counted(value) for key, value in data.items()}
    return {**item, "type": kind, "id": _own(str(item["id"]), kind), "data": told}


def _own(identity: str, kind: str) -> str:
    """Apart from the ids of the CRM's own records of the same kind."""
    return TOLD + identity.removeprefix(TOLD) if kind in _DATED else identity


def _counted(value: Json) -> Json:
    """Whole numbers as such, which JSON may write as 5.0; toman are ten rial each."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case {"amount": int() | float() as amount, "currency": str() as currency}:
            rate = 10 if currency in _TOMAN else 1
            return Money(int(amount) * rate, "IRR" if rate > 1 else currency).to_json()
    return value
