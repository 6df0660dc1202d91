"""Answers that come in pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.ids import Numbering

KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Cursor:
    records: Sequence[Wire]
    size: int
    until: datetime


class Cursors:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._cursors: dict[str, _Cursor] = {}
        self._numbering = Numbering()
        self._lock = Lock()

    def first(self, records: Sequence[Wire], size: int, root: str) -> Wire:
        """The first page of so many records each."""
        cursor = _Cursor(records, size, self._clock() + KEPT)
        if len(records) <= size:
            return _page(cursor, 0, "", root)
        with self._lock:
            key = self._numbering.next("01g")
            self._cursors[key] = cursor
        return _page(cursor, 0, key, root)

    def next(self, locator: str, root: str) -> Wire:
        """``locator``: the cursor's id and how many records went before."""
        key, _, start = locator.rpartition("-")
        cursor = self._cursors.get(key)
        if cursor is None or cursor.until <= self._clock() or not start.isdecimal():
            raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return _page(cursor, int(start), key, root)


def _page(cursor: _Cursor, start: int, key: str, root: str) -> Wire:
    end = start + cursor.size
    page: Wire = {"totalSize": len(cursor.records), "done": end >= len(cursor.records)}
    if not page["done"]:
        page["nextRecordsUrl"] = f"{root}/query/{key}-{end}"
    return page | {"records": cursor.records[start:end]}
