"""Listing everybody, by Bulk API 2.0: a job collects ids, and is read page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import sleep

from chalicelib.core.connector import Page
from chalicelib.core.errors import CrmStumbled
from chalicelib.core.facts import canonical
from chalicelib.core.model import Kind, Ref
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.ids import full
from connectors.salesforce.objects import OBJECTS
from connectors.salesforce.records import PERSONS
from connectors.salesforce.soql import ids

POLITE_WAIT_S = 2.0
"""Before a job that is not done is asked for again."""

DONE = "JobComplete"
LOST = frozenset({"", "Failed", "Aborted"})


@dataclass(frozen=True, slots=True)
class _Place:
    """``job`` is empty where none has been begun for this kind."""

    kind: Kind
    job: str = ""
    locator: str = ""
    attempts: int = 0

    def to_text(self) -> str:
        return canonical([self.kind, self.job, self.locator, self.attempts])


MOST_ATTEMPTS = 3
"""Of one kind, whose jobs fail for a reason that will not pass by itself."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Of one connection's contacts and then its leads, as far as ``kinds`` names them."""

    api: SalesforceApi
    connection: str
    kinds: Sequence[Kind]
    wait: Callable[[float], None] = sleep

    def page(self, cursor: str | None, total: int | None) -> Page:
        """An empty one with a cursor while a job is under way."""
        place = _Place(*json.loads(cursor)) if cursor else _Place(self.kinds[0])
        if not place.job:
            return self._begun(place, total)
        # Of a page in the middle as well: a job is kept for a week, and a backfill may rest longer.
        state = self.api.export_state(place.job)
        if state in LOST:
            return self._begun_anew(place, state)
        if state != DONE:
            self.wait(POLITE_WAIT_S)
            return Page((), place.to_text())
        found = self.api.exported(place.job, place.locator)
        refs = tuple(Ref(self.connection, place.kind, full(one)) for one in found.ids)
        return Page(refs, self._following(place, found.locator))

    def _begun(self, place: _Place, total: int | None = None) -> Page:
        job = self.api.begin_export(ids(OBJECTS[place.kind]))
        begun = _Place(place.kind, job, "", place.attempts)
        return Page((), begun.to_text(), total)

    def _begun_anew(self, place: _Place, state: str) -> Page:
        if place.attempts >= MOST_ATTEMPTS:
            raise CrmStumbled(f"the export of {OBJECTS[place.kind]} ended as {state or 'lost'}")
        return self._begun(_Place(place.kind, attempts=place.attempts + 1))

    def _following(self, place: _Place, locator: str) -> str | None:
        if locator:
            return _Place(place.kind, place.job, locator).to_text()
        left = [kind for kind in self.kinds if PERSONS.index(kind) > PERSONS.index(place.kind)]
        return _Place(left[0]).to_text() if left else None
