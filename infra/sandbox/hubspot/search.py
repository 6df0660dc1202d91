"""The language of searches: filters in groups, one sort, pages.

As strict as HubSpot's guide; a member or an operator that is not known here is refused too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot import request_body, values
from infra.sandbox.hubspot.errors import Detail, invalid
from infra.sandbox.hubspot.properties import Definition
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    FEEDBACK_SUBMISSIONS,
    LINE_ITEMS,
    NOTES,
    PRODUCTS,
    TASKS,
    TICKETS,
    ObjectType,
    Record,
)
from infra.sandbox.hubspot.schema import Schema

GROUP_LIMIT = 5
GROUP_FILTER_LIMIT = 6
FILTER_LIMIT = 18
PAGE_LIMIT = 200
PAGE_DEFAULT = 10
RESULT_LIMIT = 10_000

_MEMBERS = {"filterGroups", "sorts", "query", "properties", "limit", "after"}

# What ``query`` looks through, of the properties that the stand-in has.
_QUERIED: Mapping[ObjectType, Sequence[str]] = {
    CONTACTS: ("firstname", "lastname", "email", "phone", "mobilephone", "company"),
    COMPANIES: ("phone", "name", "domain"),
    DEALS: ("dealname", "pipeline", "dealstage", "description", "dealtype"),
    TICKETS: ("subject", "content", "hs_pipeline_stage", "hs_ticket_category"),
    PRODUCTS: ("name", "description", "price", "hs_sku"),
    LINE_ITEMS: ("name", "hs_sku", "price"),
    FEEDBACK_SUBMISSIONS: ("hs_content", "hs_survey_name"),
    TASKS: ("hs_task_subject", "hs_task_body"),
    NOTES: ("hs_note_body",),
}

Read = Callable[[Record, str], str]
"""A property of a record; the empty text where there is none."""

Key = tuple[Decimal, str]
"""What values of a property are compared by: a number's size, or a text."""

Test = Callable[[Sequence[Key], Sequence[Key]], bool]
"""Of the values that are held (none, one, or several of a multi-select) and those asked for."""


def _some(compare: Callable[[Key, Key], bool]) -> Test:
    return lambda held, asked: any(compare(one, asked[0]) for one in held)


_TESTS: Mapping[str, Test] = {
    "EQ": _some(operator.eq),
    "NEQ": lambda held, asked: asked[0] not in held,
    "GT": _some(operator.gt),
    "GTE": _some(operator.ge),
    "LT": _some(operator.lt),
    "LTE": _some(operator.le),
    "BETWEEN": lambda held, asked: any(asked[0] <= one <= asked[1] for one in held),
    "IN": lambda held, asked: not set(held).isdisjoint(asked),
    "NOT_IN": lambda held, asked: set(held).isdisjoint(asked),
    "HAS_PROPERTY": lambda held, _: bool(held),
    "NOT_HAS_PROPERTY": lambda held, _: not held,
}
_LISTS = ("IN", "NOT_IN")
_NO_NUMBER = Decimal(0)


@dataclass(frozen=True, slots=True)
class Filter:
    definition: Definition
    test: Test
    asked: Sequence[Key]

    def passes(self, record: Record, read: Read) -> bool:
        return self.test(_held(self.definition, read(record, self.definition.name)), self.asked)


@dataclass(frozen=True, slots=True)
class Sort:
    definition: Definition
    descending: bool

    def order(self, records: Sequence[Record], read: Read) -> list[Record]:
        """Equal ones keep their order; those without a value come last either way."""
        texts = {one.id: read(one, self.definition.name) for one in records}
        valued = sorted(
            (one for one in records if texts[one.id]),
            key=lambda one: _stored_key(self.definition, texts[one.id]),
            reverse=self.descending,
        )
        return valued + [one for one in records if not texts[one.id]]


@dataclass(frozen=True, slots=True)
class Search:
    """A record must pass all filters of some group; without a group any does."""

    kind: ObjectType
    groups: Sequence[Sequence[Filter]]
    query: str
    sort: Sort | None
    properties: Sequence[str]
    limit: int
    after: int

    def find(self, records: Sequence[Record], read: Read) -> list[Record]:
        """All matches in their order, which is that of creation if no other was asked for."""
        found = [one for one in records if self._passes(one, read) and self._mentions(one, read)]
        found.sort(key=lambda one: one.created_at)
        return self.sort.order(found, read) if self.sort else found

    def _passes(self, record: Record, read: Read) -> bool:
        return not self.groups or any(
            all(one.passes(record, read) for one in group) for group in self.groups
        )

    def _mentions(self, record: Record, read: Read) -> bool:
        wanted = self.query.casefold()
        return not wanted or any(
            wanted in read(record, name).casefold() for name in _QUERIED[self.kind]
        )


def search_from(body: Wire, kind: ObjectType, schema: Schema) -> Search:
    """As an app asks for it. Raises ``ApiError``."""
    if unknown := body.keys() - _MEMBERS:
        raise invalid(f"Unknown members of a search: {sorted(unknown)}")
    limit, after = _page(body)
    return Search(
        kind=kind,
        groups=_groups(body, kind, schema),
        query=_text(body, "query") if "query" in body else "",
        sort=_sort(body.get("sorts", []), kind, schema),
        properties=request_body.names(body, "properties"),
        limit=limit,
        after=after,
    )


def _page(body: Wire) -> tuple[int, int]:
    limit, after = body.get("limit", PAGE_DEFAULT), body.get("after", "0")
    if type(limit) is not int or not 1 <= limit <= PAGE_LIMIT:
        raise invalid(f"limit must be between 1 and {PAGE_LIMIT}")
    if not isinstance(after, str) or not (after.isascii() and after.isdecimal()):
        raise invalid(f"after must be an integer as text, not {after!r}")
    if int(after) + limit > RESULT_LIMIT:
        raise invalid(f"A search gives no more than {RESULT_LIMIT} results")
    return limit, int(after)


def _groups(body: Wire, kind: ObjectType, schema: Schema) -> list[list[Filter]]:
    groups = request_body.objects(body, "filterGroups")
    rows = [request_body.objects(group, "filters") for group in groups]
    if len(rows) > GROUP_LIMIT:
        raise invalid(f"There may be no more than {GROUP_LIMIT} filter groups")
    if not all(1 <= len(row) <= GROUP_FILTER_LIMIT for row in rows):
        raise invalid(f"A filter group needs 1 to {GROUP_FILTER_LIMIT} filters")
    if sum(map(len, rows)) > FILTER_LIMIT:
        raise invalid(f"There may be no more than {FILTER_LIMIT} filters in all")
    return [[_filter(one, kind, schema) for one in row] for row in rows]


def _filter(row: Wire, kind: ObjectType, schema: Schema) -> Filter:
    definition = _definition(_text(row, "propertyName"), kind, schema)
    name = _text(row, "operator")
    if name not in _TESTS:
        raise invalid(f"Unknown operator {name!r}")
    try:
        asked = [_asked_key(definition, name, text) for text in _operands(row, name)]
    except values.InvalidValue as wrong:
        detail = Detail(str(wrong), wrong.code, {"propertyName": [definition.name]})
        raise invalid(str(wrong), detail) from wrong
    return Filter(definition, _TESTS[name], asked)


def _operands(row: Wire, name: str) -> Sequence[str]:
    if name in _LISTS:
        found = request_body.names(row, "values")
        if not found:
            raise invalid(f"operator {name} requires values")
        return found
    if name.endswith("HAS_PROPERTY"):
        return ()
    members = ("value", "highValue") if name == "BETWEEN" else ("value",)
    return [_text(row, member) for member in members]


def _sort(rules: object, kind: ObjectType, schema: Schema) -> Sort | None:
    """Of the guide's form or of the shorter one of HubSpot's clients: ``"-createdate"``."""
    match rules:
        case []:
            return None
        case [str(rule)]:
            name, descending = rule.removeprefix("-"), rule.startswith("-")
        case [{"propertyName": str(name), "direction": "ASCENDING" | "DESCENDING" as direction}]:
            descending = direction == "DESCENDING"
        case _:
            raise invalid(f"'sorts' takes one rule with propertyName and direction, not {rules!r}")
    return Sort(_definition(name, kind, schema), descending)


def _definition(name: str, kind: ObjectType, schema: Schema) -> Definition:
    found = schema.find(kind, name)
    if found is None:
        message = f'Property "{name}" does not exist'
        detail = Detail(message, "PROPERTY_DOESNT_EXIST", {"propertyName": [name]})
        raise invalid(message, detail)
    return found


def _text(row: Wire, member: str) -> str:
    found = row.get(member)
    if not isinstance(found, str):
        raise invalid(f"Invalid input JSON: {member!r} must be text, not {found!r}")
    return found


def _held(definition: Definition, text: str) -> Sequence[Key]:
    if not text:
        return ()
    parts = text.split(";") if definition.field_type == "checkbox" else (text,)
    return [_stored_key(definition, part) for part in parts]


def _asked_key(definition: Definition, name: str, text: str) -> Key:
    # HubSpot wants lower case in lists of texts: another spelling is taken and finds nothing.
    return (_NO_NUMBER, text) if name in _LISTS and _folds(definition) else _key(definition, text)


def _stored_key(definition: Definition, text: str) -> Key:
    """What is stored was checked and spelled in one way when it was written."""
    if definition.type in ("datetime", "date"):
        return _NO_NUMBER, text
    return _key(definition, text)


def _key(definition: Definition, text: str) -> Key:
    """Raises ``InvalidValue``. Instants compare as they are spelled, options with their case."""
    if definition.type == "number":
        return Decimal(values.number(text)), ""
    if definition.type in ("datetime", "date"):
        return _NO_NUMBER, values.PLAIN[definition.type](text)
    return _NO_NUMBER, text.casefold() if _folds(definition) else text


def _folds(definition: Definition) -> bool:
    return definition.type in ("string", "phone_number")
