"""What is wrong with a callout, as ``payload.schema.json`` has it and without its validator.

Receive looks at each event, so that the sender hears of a bad one: it would be kept and parked with
up to two hundred others. A validator takes longer to import than receive may take to start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

SCHEMA = "emtiaz.salesforce.v1"

MOST_EVENTS = 200
LONGEST_KEY = 100

_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_NAMED: Mapping[str, tuple[re.Pattern[str], str]] = {
    "object": (re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}"), "the API name of an object"),
    "id": (_ID, "an id of 15 or 18 characters"),
    "operation": (re.compile(r"[A-Z_]{1,40}"), "an operation in capitals, such as UPDATE"),
}


def fault(told: Any) -> str:
    """Place and reason of the first there is, without what was sent; empty where all is right."""
    return next(_faults(told), "")


def _faults(told: Any) -> Iterator[str]:
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        yield f"not an object with the schema {SCHEMA}"
        return
    if not _fits(_ID, told.get("orgId")):
        yield "orgId: not an id of 15 or 18 characters"
    key = told.get("requestId")
    if not (key is None or (isinstance(key, str) and len(key) <= LONGEST_KEY)):
        yield f"requestId: not a text of at most {LONGEST_KEY} characters"
    yield from _faults_of_events(told.get("events"))


def _faults_of_events(rows: Any) -> Iterator[str]:
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_EVENTS:
        yield f"events: not a list of 1-{MOST_EVENTS}"
        return
    for place, row in enumerate(rows):
        yield from (f"events[{place}]{found}" for found in _faults_of_event(row))


def _faults_of_event(row: Any) -> Iterator[str]:
    if not isinstance(row, dict):
        yield ": not an object"
        return
    for name, (pattern, meant) in _NAMED.items():
        if not _fits(pattern, row.get(name)):
            yield f".{name}: not {meant}"
    changed = row.get("changedFields")
    if not (changed is None or (isinstance(changed, list) and all(map(_is_text, changed)))):
        yield ".changedFields: not a list of texts"
    if not isinstance(row.get("fields"), dict | None):
        yield ".fields: not an object"


def _fits(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
