"""The rows of a query."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Protocol

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Field, Value
from infra.sandbox.salesforce.objects import SObject
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.soql.conditions import Getter, Scope, Source
from infra.sandbox.salesforce.soql.tree import All, Comparison, Condition, Order, Path, Query
from infra.sandbox.salesforce.values import wire

Render = Callable[[Record], Wire]


class Rows(Source, Protocol):
    def rows(
        self, object_name: str, ids: Collection[str] | None = None, *, deleted: bool = False
    ) -> Iterable[Record]:
        """By id; with ``deleted`` also those in the recycle bin."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """``count`` is of a query that only counts; ``columns`` are the headings of a table."""

    records: tuple[Wire, ...]
    columns: tuple[str, ...]
    count: int | None = None


def answer(rows: Rows, query: Query, root: str, *, deleted: bool = False) -> Answer:
    """``root`` is the address of the API's version. Raises ``ApiError``."""
    return _Run(rows, root, deleted=deleted).answer(query)


class _Run:
    def __init__(self, rows: Rows, root: str, *, deleted: bool) -> None:
        self._rows = rows
        self._root = root
        self._deleted = deleted

    def answer(self, query: Query) -> Answer:
        found = self._object(query.source)
        records = self._records(query, found.name)
        if query.counts:
            return Answer((), (), len(records))
        scope = self._scope(found.name)
        columns = [(path, *scope.column(path)) for path in query.selected]
        children = [self._child(found, one) for one in query.children]
        render = partial(self._row, found.name, columns, children)
        named = tuple(".".join((*path[:-1], field.name)) for path, field, _ in columns)
        return Answer(tuple(render(record) for record in records), named)

    def _records(self, query: Query, object_name: str) -> list[Record]:
        scope = self._scope(object_name)
        test = scope.test(query.where) if query.where else None
        chosen = [
            record
            for record in self._rows.rows(object_name, _named_ids(query), deleted=self._deleted)
            if test is None or test(record)
        ]
        for order in reversed(query.order):
            _sort(chosen, scope, order)
        end = None if query.limit is None else query.offset + query.limit
        return chosen[query.offset : end]

    def _scope(self, object_name: str) -> Scope:
        return Scope(self._rows, object_name, self._values)

    def _values(self, query: Query) -> Collection[Value]:
        """Of the only field that an inner query may select."""
        found = self._object(query.source)
        if len(query.selected) != 1 or query.order or query.limit is not None:
            raise ApiError("MALFORMED_QUERY", "an inner query selects one field, and no more")
        _, getter = self._scope(found.name).column(query.selected[0])
        return {getter(record) for record in self._records(query, found.name)}

    def _object(self, name: str) -> SObject:
        if found := self._rows.schema.find_object(name):
            return found
        raise ApiError("INVALID_TYPE", f"sObject type '{name}' is not supported.")

    def _child(self, parent: SObject, query: Query) -> tuple[str, Callable[[Record], Wire]]:
        """The name of a relationship, and how to answer for one parent."""
        named = {name.lower(): name for name in parent.children}
        if query.source.lower() not in named:
            message = f"Didn't understand relationship '{query.source}' in FROM part of query call."
            raise ApiError("INVALID_TYPE", message)
        relationship = named[query.source.lower()]
        child, field = parent.children[relationship]

        def rows_of(record: Record) -> Wire:
            mine = partial(_belongs, field, record.id)
            inner = _Run(_Only(self._rows, mine), self._root, deleted=self._deleted)
            records = inner.answer(_renamed(query, child)).records
            return {"totalSize": len(records), "done": True, "records": records}

        return relationship, rows_of

    def _row(
        self,
        object_name: str,
        columns: list[tuple[Path, Field, Getter]],
        children: list[tuple[str, Callable[[Record], Wire]]],
        record: Record,
    ) -> Wire:
        row: Wire = {"attributes": self._attributes(object_name, record)}
        for path, field, getter in columns:
            if len(path) == 1:
                row[field.name] = wire(getter(record))
            else:
                self._place(row, path, field, record, wire(getter(record)))
        for name, rows_of in children:
            inner = rows_of(record)
            row[name] = inner if inner["records"] else None
        return row

    def _place(self, row: Wire, path: Path, field: Field, record: Record, value: object) -> None:
        """Into the parent that a path leads to, which is null if there is none."""
        here = row
        at: Record | None = record
        for step in path[:-1]:
            assert at is not None
            at = self._parent(at, step)
            name = step[:1].upper() + step[1:]
            if at is None:
                here[name] = None
                return
            here = here.setdefault(name, {"attributes": self._attributes(at.object, at)})
        here[field.name] = value

    def _parent(self, record: Record, step: str) -> Record | None:
        for field in self._rows.schema.fields(record.object):
            if field.relationship.lower() == step.lower():
                return self._rows.find(record.text(field.name))
        return None

    def _attributes(self, object_name: str, record: Record) -> Mapping[str, str]:
        url = f"{self._root}/sobjects/{object_name}/{record.id}"
        return {"type": object_name, "url": url}


class _Only:
    """Those rows of another source that pass a test."""

    def __init__(self, rows: Rows, passes: Callable[[Record], bool]) -> None:
        self.schema = rows.schema
        self.find = rows.find
        self._rows = rows
        self._passes = passes

    def rows(
        self, object_name: str, ids: Collection[str] | None = None, *, deleted: bool = False
    ) -> Iterable[Record]:
        return filter(self._passes, self._rows.rows(object_name, ids, deleted=deleted))


def _belongs(field: str, parent: str, record: Record) -> bool:
    return record.value(field) == parent


def _renamed(query: Query, source: str) -> Query:
    return Query(source, query.selected, (), query.counts, query.where, query.order, query.limit)


def _named_ids(query: Query) -> Collection[str] | None:
    """Where a query is for certain ids, no other record need be looked at."""
    parts: tuple[Condition, ...] = (query.where,) if query.where else ()
    if isinstance(query.where, All):
        parts = query.where.parts
    for part in parts:
        if isinstance(part, Comparison) and part.operator in {"=", "IN"} and _is_id(part.path):
            return [str(one.value) for one in part.literals if one.kind == "string"]
    return None


def _is_id(path: Path) -> bool:
    return len(path) == 1 and path[0].lower() == "id"


def _sort(records: list[Record], scope: Scope, order: Order) -> None:
    """Those without a value come first, unless told otherwise."""
    _, getter = scope.column(order.path)
    empty = [record for record in records if getter(record) is None]
    full = [record for record in records if getter(record) is not None]
    full.sort(key=lambda record: _rank(getter(record)), reverse=order.is_descending)
    records[:] = [*full, *empty] if order.nulls_last else [*empty, *full]


def _rank(value: Value) -> float | str | date | datetime:
    if isinstance(value, str):
        return value
    assert value is not None
    return value
