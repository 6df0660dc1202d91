"""From the ids that somebody knows persons by to their records, which may have moved or gone.

Zoho answers for what is there and is silent about the rest: what lies in the bin is listed there,
a lead that became a contact names it, and what was merged or removed for good is unknown to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.core.model import Kind
from connectors.zoho.api import FIRST, ZohoApi
from connectors.zoho.records import MODULES, Record, converted_into
from connectors.zoho.reference_data import Modules

MOST_BIN_PAGES = 25
"""Of 200 records each; what is deleted later than those 5,000 is taken for gone for good."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of one kind: ``records`` by id, ``moved`` from leads to the ids of their contacts.

    ``gone`` are in the bin. An id that is in none of the three is not known to Zoho.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()


def resolve(modules: Modules, kind: Kind, ids: Iterable[str], fields: Sequence[str]) -> Found:
    """What became of each. Only what is not there costs more calls."""
    asked = frozenset(ids)
    if not asked:
        return Found()
    rows = modules.records(MODULES[kind], asked, fields, converted=kind == "lead")
    read = {row["id"]: row for row in rows}
    moved = {
        one: into for one, row in read.items() if kind == "lead" if (into := converted_into(row))
    }
    records = {one: row for one, row in read.items() if one not in moved}
    return Found(records, moved, binned(modules.api, kind, asked - read.keys()))


def binned(api: ZohoApi, kind: Kind, ids: frozenset[str]) -> frozenset[str]:
    """Those that lie in the bin."""
    found: set[str] = set()
    pages, place = 0, FIRST if ids else ""
    while place and pages < MOST_BIN_PAGES and not ids <= found:
        rows, place = api.deleted(MODULES[kind], "recycle", place)
        found |= {str(row["id"]) for row in rows}
        pages += 1
    return ids & found
