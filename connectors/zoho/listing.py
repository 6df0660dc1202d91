"""Everybody there is: by bulk read, a job that Zoho does by itself and gives as a file.

Where an organisation has no bulk read, its listing serves, 200 records a call.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from time import sleep

from chalicelib.core.errors import CrmStumbled, CrmUnavailable
from chalicelib.core.facts import canonical
from chalicelib.core.model import Kind
from connectors._http import Forbidden, Refused
from connectors.zoho.api import ZohoApi
from connectors.zoho.records import MODULES

SLICE = 5_000
"""Records of a file that one page names."""

LONGEST_WAIT_S = 10
"""Before a job is asked after again; the first time, a second."""

DONE = "COMPLETED"
AT_WORK = frozenset({"ADDED", "QUEUED", "IN PROGRESS", "IN_PROGRESS"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing stands: in which kinds, at which ``page`` of theirs, in which way.

    ``job`` is the one that was begun, and ``asked`` how often it was not done; ``start`` is the
    first record of its file that was not named. ``token`` is of a listing ``by_call``.
    ``counted`` are the records of the files before.
    """

    kinds: tuple[Kind, ...]
    page: int = 1
    job: str = ""
    asked: int = 0
    start: int = 0
    token: str = ""
    by_call: bool = False
    counted: int = 0

    @classmethod
    def from_text(cls, cursor: str) -> Place:
        row = json.loads(cursor)
        return cls(**{**row, "kinds": tuple(row["kinds"])})

    def to_text(self) -> str:
        return canonical(asdict(self))

    @property
    def kind(self) -> Kind:
        return self.kinds[0]

    def next_kind(self) -> Place | None:
        left = self.kinds[1:]
        return Place(left, by_call=self.by_call, counted=self.counted) if left else None


@dataclass(frozen=True, slots=True)
class Listed:
    kind: Kind
    ids: Sequence[str]
    next: Place | None
    total: int | None = None


@dataclass(slots=True)
class Listing:
    """Keeps the last file that it has fetched, since only ten a minute may be."""

    api: ZohoApi
    held: tuple[str, list[str]] = field(default=("", []))

    def at(self, place: Place) -> Listed:
        """The next records, or none with the place to ask at again, where a job takes its time."""
        if place.by_call:
            return self._call(place)
        if not place.job:
            return self._begin(place)
        try:
            job = self.api.export(place.job)
        except Refused:  # it is too old
            return Listed(place.kind, (), replace(place, job="", asked=0))
        if job.get("state") == DONE:
            return self._file(place, job.get("result") or {})
        if job.get("state") not in AT_WORK:
            raise CrmStumbled(f"the bulk read of {MODULES[place.kind]} has failed")
        sleep(min(LONGEST_WAIT_S, place.asked + 1))
        return Listed(place.kind, (), replace(place, asked=place.asked + 1))

    def _begin(self, place: Place) -> Listed:
        try:
            job = self.api.begin_export(MODULES[place.kind], place.page)
        except (Forbidden, Refused):
            return self._call(replace(place, by_call=True))
        return Listed(place.kind, (), replace(place, job=job))

    def _call(self, place: Place) -> Listed:
        rows, token = self.api.page(MODULES[place.kind], place.token)
        following = replace(place, token=token) if token else place.next_kind()
        return Listed(place.kind, [str(row["id"]) for row in rows], following)

    def _file(self, place: Place, result: dict[str, object]) -> Listed:
        count = result.get("count")
        ids = self._ids(place.job) if count != 0 else []
        end = place.start + SLICE
        total = place.counted + len(ids)
        some = ids[place.start : end]
        if end < len(ids):
            return Listed(place.kind, some, replace(place, start=end), total)
        done = replace(place, counted=total)
        if result.get("more_records"):
            following: Place | None = replace(done, page=place.page + 1, job="", start=0, asked=0)
        else:
            following = done.next_kind()
        return Listed(place.kind, some, following, total)

    def _ids(self, job: str) -> list[str]:
        if self.held[0] != job:
            self.held = job, ids_of(self.api.exported(job))
        return self.held[1]


def ids_of(archive: bytes) -> list[str]:
    """The ids in a ZIP with one CSV. Raises CrmUnavailable for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files, files.open(files.namelist()[0]) as file:
            rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
            column = [name.lower() for name in next(rows, ["id"])].index("id")
            return [row[column] for row in rows if len(row) > column and row[column]]
    except (zipfile.BadZipFile, LookupError, ValueError) as fault:
        raise CrmUnavailable("a bulk read gave no file that can be read") from fault
