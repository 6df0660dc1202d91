"""Workflow rules of an admin: on a change of a record, a webhook with what it merges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from urllib.parse import urlencode

from infra.sandbox.zoho.changes import Change
from infra.sandbox.zoho.errors import invalid
from infra.sandbox.zoho.modules import Module, module_named
from infra.sandbox.zoho.organisation import Organisation
from infra.sandbox.zoho.records import Record
from infra.sandbox.zoho.wire import spelled_value

RAW_LENGTH = 500
_MERGE = re.compile(r"\$\{!(?P<module>\w+)\.(?P<field>\w+)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """``raw`` is a JSON template with ``${!Contacts.Id}`` in it; without one ``form`` is sent,
    whose values may be such too. ``headers`` are static. ``on`` are operations.
    """

    module: str
    url: str
    on: tuple[str, ...] = ("insert", "update", "delete")
    raw: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Firing:
    """One webhook to come."""

    number: int
    url: str
    body: bytes
    headers: Mapping[str, str]


class Workflows:
    def __init__(self, org: Organisation) -> None:
        self._org = org
        self._rules: list[Rule] = []
        self._numbers = count(1)
        self._lock = Lock()

    def add(self, rule: Rule) -> None:
        """Raises ``ApiError`` for what Zoho's form would not take."""
        module = module_named(rule.module)
        if module.name in ("Calls", "Notes"):
            raise invalid("webhooks are not supported for the module", module=module.name)
        if len(rule.raw) > RAW_LENGTH:
            raise invalid("invalid data", api_name="raw", maximum_length=RAW_LENGTH)
        for text in (rule.raw, *rule.form.values()):
            for merged in _MERGE.finditer(text):
                self._field(module, merged)
        with self._lock:
            self._rules.append(rule)

    def firings(self, change: Change) -> Iterator[Firing]:
        record = change.record
        if not change.workflows:
            return
        with self._lock:
            rules = list(self._rules)
        for rule in rules:
            if rule.module == record.module.name and change.operation in rule.on:
                yield self._firing(rule, record)

    def _firing(self, rule: Rule, record: Record) -> Firing:
        if rule.raw:
            body, kind = self._merged(rule.raw, record), "application/json"
        else:
            form = {name: self._merged(one, record) for name, one in rule.form.items()}
            body, kind = urlencode(form), "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **rule.headers}
        return Firing(next(self._numbers), rule.url, body.encode(), headers)

    def _merged(self, text: str, record: Record) -> str:
        """As it is, so that a quote in a value breaks JSON."""
        return _MERGE.sub(lambda found: self._value(record, found), text)

    def _value(self, record: Record, merged: re.Match[str]) -> str:
        field = self._field(record.module, merged)
        value = self._org.value(record, field)
        spelled = spelled_value(self._org, self._org.schema.get(record.module, field), value)
        return spelled["name"] if isinstance(spelled, dict) else str(spelled or "")

    def _field(self, module: Module, merged: re.Match[str]) -> str:
        if merged["module"] != module.name:
            raise invalid("invalid data", api_name=merged[0])
        name = "id" if merged["field"] in ("Id", "id") else merged["field"]
        return self._org.schema.get(module, name).name
