"""``POST /coql``: queries answered from the records."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Response, g

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import json_body
from infra.sandbox.zoho.errors import ApiError, missing
from infra.sandbox.zoho.fields import Field
from infra.sandbox.zoho.gate import Needs, Routes, refuse_missing_scope, sent
from infra.sandbox.zoho.instants import read
from infra.sandbox.zoho.modules import LEADS, MODULES, Module, module_named
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.query import Condition, Criterion, Query, criteria, parse
from infra.sandbox.zoho.records import Record, Value
from infra.sandbox.zoho.wire import plain

Test = Callable[[Record], bool]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class CoqlApi:
    def __init__(self, org: Org) -> None:
        self._org = org

    def add_to(self, routes: Routes) -> None:
        needs = Needs("coql.READ", cost=_cost, is_complex=lambda: True)
        routes.add("POST /crm/v8/coql", self.select, needs)

    def select(self) -> Wire | Response:
        text = json_body().get("select_query")
        if not isinstance(text, str):
            raise missing("select_query")
        query = parse(text)
        module = module_named(query.module)
        refuse_missing_scope(g.access, "modules.{module}.READ", module.name)
        with self._org.lock:
            found = self._found(module, query)
            page = found[query.offset : query.offset + query.limit]
            rows = [self._row(one, query.columns) for one in page]
        if not rows:
            return Response(status=204)
        more = query.offset + query.limit < len(found)
        return {"data": rows, "info": {"count": len(rows), "more_records": more}}

    def _found(self, module: Module, query: Query) -> list[Record]:
        test = self._test(module, query.where)
        found = [one for one in self._listed(module, query) if test(one)]
        for name, descending in reversed(query.order or (("id", False),)):
            self._field(module, name)
            found.sort(key=lambda one, name=name: self._key(one, name), reverse=descending)  # type: ignore[misc]
        return found

    def _listed(self, module: Module, query: Query) -> list[Record]:
        """Converted leads only where the query speaks of converting."""
        found = self._org.records(module)
        names = {one.field for one in criteria(query.where)}
        if module is LEADS and "Converted__s" not in names and "id" not in names:
            return [one for one in found if not one.converted]
        return found

    def _key(self, record: Record, name: str) -> tuple[bool, Any]:
        value = self._value(record, name)
        return value is not None, int(value) if name == "id" else value

    def _test(self, module: Module, condition: Condition) -> Test:
        if isinstance(condition, Criterion):
            return self._compared(module, condition)
        left = self._test(module, condition.left)
        right = self._test(module, condition.right)
        if condition.operator == "and":
            return lambda record: left(record) and right(record)
        return lambda record: left(record) or right(record)

    def _compared(self, module: Module, one: Criterion) -> Test:
        field, name = self._field(module, one.field), one.field
        match one.comparator:
            case "is null" | "is not null":
                empty = one.comparator == "is null"
                return lambda record: (self._value(record, name) is None) is empty
            case "in" | "not in":
                wanted, absent = set(_literals(field, one.value)), one.comparator == "not in"
                return lambda record: (self._value(record, name) in wanted) is not absent
            case "between":
                low, high = _literals(field, one.value)
                return lambda record: _within(self._value(record, name), low, high)
            case "like":
                pattern = re.compile(re.escape(str(one.value)).replace("%", ".*"), re.IGNORECASE)
                return lambda record: bool(pattern.fullmatch(str(self._value(record, name) or "")))
        compare, (literal,) = _COMPARE[one.comparator], _literals(field, [one.value])
        return lambda record: _held(compare, self._value(record, name), literal)

    def _row(self, record: Record, columns: Iterable[str]) -> Wire:
        row: Wire = {"id": record.id}
        for name in columns:
            field, value = self._field(record.module, name), self._value(record, name)
            spelled = plain(self._org, field, value)
            is_link = field.type in ("lookup", "ownerlookup") and spelled is not None
            row[name] = {"id": spelled} if is_link else spelled
        return row

    def _field(self, module: Module, name: str) -> Field:
        """The last of a path such as ``Account_Name.Industry``. Raises ``ApiError``."""
        first, _, rest = name.partition(".")
        field = self._org.schema.find(module, first)
        if field is None or field.name == "Tag":
            details = {"column_name": name}
            raise ApiError(400, "INVALID_QUERY", "column given seems to be invalid", details)
        if not rest or rest == "id":
            return field
        return self._field(MODULES[field.lookup], rest) if field.lookup in MODULES else field

    def _value(self, record: Record, name: str) -> Value:
        first, _, rest = name.partition(".")
        value = self._org.value(record, first)
        field = self._org.schema.get(record.module, first)
        if field.type == "lookup" and field.lookup in MODULES and value:
            linked = self._org.find(MODULES[field.lookup], value)
            if rest and rest != "id":
                return self._value(linked, rest) if linked else None
            return value if linked else None
        return False if field.type == "boolean" and value is None else value


def _cost() -> int:
    """What cannot be read costs one."""
    try:
        return parse(str(sent().get("select_query"))).credits
    except ApiError:
        return 1


def _literals(field: Field, values: Iterable[Any]) -> list[Any]:
    return [_literal(field, one) for one in values]


def _literal(field: Field, value: Any) -> Any:
    """Raises ``ApiError`` for one of another type than the field's."""
    try:
        if field.type == "datetime":
            return read(value)
        if field.type in ("double", "currency", "percent", "integer"):
            return value + 0
        if field.type == "boolean":
            return value is True
        return str(value)
    except (TypeError, ValueError) as wrong:
        details = {"column_name": field.name, "expected_data_type": field.type}
        raise ApiError(400, "INVALID_QUERY", "invalid value in the query", details) from wrong


def _held(compare: Callable[[Any, Any], bool], value: Value, literal: Any) -> bool:
    """Nothing compares with an empty value, but that it differs."""
    return compare is operator.ne if value is None else compare(value, literal)


def _within(value: Value, low: Any, high: Any) -> bool:
    return value is not None and low <= value <= high
