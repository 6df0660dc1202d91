"""Conditions of a query as functions of a record, checked against the fields that they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date, datetime
from functools import partial
from operator import ge, gt, le, lt
from typing import Protocol

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import NUMBERS, Field, Value
from infra.sandbox.salesforce.ids import is_id, normal
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.schema import Schema, no_column
from infra.sandbox.salesforce.soql.tree import (
    All,
    Any,
    Comparison,
    Condition,
    Literal,
    Not,
    Path,
    Query,
    SemiJoin,
)

Test = Callable[[Record], bool]
Getter = Callable[[Record], Value]


class Source(Protocol):
    """What queries are asked of."""

    schema: Schema

    def find(self, record_id: str) -> Record | None: ...


class Scope:
    """Of one object. ``values_of`` runs a query for what it selects."""

    def __init__(
        self, source: Source, object_name: str, values_of: Callable[[Query], Collection[Value]]
    ) -> None:
        self._source = source
        self._object = object_name
        self._values_of = values_of

    def test(self, condition: Condition) -> Test:
        """Raises ``ApiError`` for what no record could be asked."""
        match condition:
            case All(parts):
                tests = [self.test(part) for part in parts]
                return lambda record: all(test(record) for test in tests)
            case Any(parts):
                tests = [self.test(part) for part in parts]
                return lambda record: any(test(record) for test in tests)
            case Not(part):
                inner = self.test(part)
                return lambda record: not inner(record)
            case SemiJoin(path, is_negated, query):
                _, getter = self.column(path)
                among = self._values_of(query)
                return lambda record: (getter(record) in among) is not is_negated
            case Comparison():
                return self._comparison(condition)

    def column(self, path: Path) -> tuple[Field, Getter]:
        """The field at the end of a path, and how to read it."""
        *relationships, name = path
        hops: list[Field] = []
        object_name = self._object
        for step in relationships:
            hop = _relationship(self._source.schema, object_name, step)
            hops.append(hop)
            object_name = hop.refers_to[0]
        found = self._source.schema.seen(object_name, name)
        if found is None:
            raise no_column(object_name, name)
        return found, partial(self._read, tuple(hops), found.name)

    def _read(self, hops: tuple[Field, ...], name: str, record: Record) -> Value:
        here: Record | None = record
        for hop in hops:
            here = self._source.find(here.text(hop.name)) if here else None
        return here.value(name) if here else None

    def _comparison(self, asked: Comparison) -> Test:
        field, getter = self.column(asked.path)
        if not field.is_filterable:
            message = f"field '{field.name}' can not be filtered in a query call"
            raise ApiError("INVALID_FIELD", message)
        values = tuple(dict.fromkeys(_comparable(_fitting(field, one)) for one in asked.literals))
        wanted = frozenset(values)
        match asked.operator:
            case "=" | "IN":
                return lambda record: _comparable(getter(record)) in wanted
            case "!=" | "NOT IN":
                return lambda record: _comparable(getter(record)) not in wanted
            case "INCLUDES" | "EXCLUDES" if field.type != "multipicklist":
                raise _no_operator(field, asked.operator)
            case "INCLUDES":
                return lambda record: _includes(getter(record), values)
            case "EXCLUDES":
                return lambda record: not _includes(getter(record), values)
            case "LIKE":
                return _like(field, getter, values[0])
            case operator:
                return _ordered(field, getter, operator, values[0])


def _relationship(schema: Schema, object_name: str, step: str) -> Field:
    for field in schema.fields(object_name):
        if field.relationship.lower() == step.lower() and schema.seen(object_name, field.name):
            return field
    message = f"Didn't understand relationship '{step}' in field path."
    raise ApiError("INVALID_FIELD", message)


def _fitting(field: Field, literal: Literal) -> Value:
    """Its value, if the field can be compared with such."""
    if literal.kind == "null":
        return None
    if literal.kind != _kind(field):
        article = "should be" if _kind(field) == "string" else "should not be"
        message = (
            f"value of filter criterion for field '{field.name}' must be of type "
            f"{field.type} and {article} enclosed in quotes"
        )
        raise ApiError("INVALID_FIELD", message)
    if field.type in {"id", "reference"}:
        if not is_id(literal.value):
            raise ApiError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value}")
        return normal(literal.value)
    return literal.value


def _kind(field: Field) -> str:
    if field.type in NUMBERS:
        return "number"
    return field.type if field.type in {"boolean", "date", "datetime"} else "string"


def _comparable(value: Value) -> Value:
    """Texts are compared without regard to their case; ids have theirs in their last letters."""
    return value.casefold() if isinstance(value, str) and not is_id(value) else value


def _includes(value: Value, wanted: Collection[Value]) -> bool:
    """Any of the wanted ones, which may name several values that must all be there."""
    chosen = {part.casefold() for part in value.split(";")} if isinstance(value, str) else set()
    return any(chosen.issuperset(str(one).split(";")) for one in wanted)


def _like(field: Field, getter: Getter, pattern: Value) -> Test:
    if _kind(field) != "string" or not isinstance(pattern, str):
        raise _no_operator(field, "LIKE")
    spelled = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
    expression = re.compile(spelled, re.IGNORECASE | re.DOTALL)
    return lambda record: bool(expression.fullmatch(str(getter(record) or "")))


def _ordered(field: Field, getter: Getter, operator: str, bound: Value) -> Test:
    if field.type in {"boolean", "multipicklist"} or bound is None:
        raise _no_operator(field, operator)
    compare = {"<": lt, "<=": le, ">": gt, ">=": ge}[operator]

    def test(record: Record) -> bool:
        value = getter(record)
        return value is not None and compare(_ranked(value), _ranked(bound))

    return test


def _ranked(value: Value) -> float | str | date | datetime:
    """Ids are in the order of their characters."""
    if value is None or isinstance(value, bool):
        raise TypeError(value)
    comparable = _comparable(value)
    assert comparable is not None
    return comparable


def _no_operator(field: Field, operator: str) -> ApiError:
    message = f"invalid operator {operator} on {field.type} field '{field.name}'"
    return ApiError("INVALID_QUERY_FILTER_OPERATOR", message)
