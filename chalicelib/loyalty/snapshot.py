"""A book as one value, so that a fold need not begin with the first entry.

Every ``EVERY`` entries one is due. A fold from a snapshot and the entries after it is the fold of
all entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from chalicelib.core.facts import iso
from chalicelib.core.model import Json
from chalicelib.loyalty.book import Book, Totals
from chalicelib.loyalty.entries import Entry, lot_from_json, lot_json
from chalicelib.loyalty.lots import Holding
from chalicelib.loyalty.spans import FIRST

EVERY = 500

_STATES = {(False, False): "waits", (True, False): "open", (False, True): "dead"}
_COUNTS = ("points", "remaining", "used", "reversed", "expired", "filled")


def is_due(book: Book, entries_since: int) -> bool:
    """After so many entries since the last snapshot."""
    return book.number > 0 and entries_since >= EVERY


def snapshot(book: Book) -> dict[str, Json]:
    """Of all that the fold knows; ``number`` is how many entries it holds."""
    return {
        "number": book.number,
        "holdings": [_holding(one) for one in book.holdings.values()],
        "granted": dict(book.granted),
        "lapsed": {key: points for key, points in book.lapsed.items() if points},
        "times": dict(book.times),
        "redeemed": [entry.to_json() for entry in book.redeemed.values()],
        "adjusted": [entry.to_json() for entry in book.adjusted.values()],
        "cancelled": [*sorted(book.cancelled)],
        "merges": [entry.to_json() for entry in book.merges],
        "totals": asdict(book.totals),
        "debt": [book.debt, _iso(book.debt_since), _iso(book.debt_recorded_at), book.debt_number],
        "settled_to": _iso(book.settled_to),
        "doings": [iso(at) for at in book.doings.times],
    }


def restore(held: Mapping[str, Any]) -> Book:
    """The book that the snapshot was taken of, settled as far as that one was."""
    book = Book()
    for row in held["holdings"]:
        book.hold(_restored(row))
    book.granted.update(held["granted"])
    book.lapsed.update(held["lapsed"])
    book.times.update(held["times"])
    book.redeemed.update((entry.of, entry) for entry in map(Entry.from_json, held["redeemed"]))
    book.adjusted.update((entry.of, entry) for entry in map(Entry.from_json, held["adjusted"]))
    book.cancelled.update(held["cancelled"])
    book.merges += map(Entry.from_json, held["merges"])
    book.totals = Totals(**held["totals"])
    book.debt, since, recorded, book.debt_number = held["debt"]
    book.debt_since, book.debt_recorded_at = _instant(since), _instant(recorded)
    book.number = held["number"]
    book.settled_to = _instant(held["settled_to"])
    book.doings = type(book.doings)([datetime.fromisoformat(at) for at in held["doings"]])
    return book


def _iso(at: datetime) -> str:
    return "" if at == FIRST else iso(at)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else FIRST


def _holding(one: Holding) -> Json:
    counts: list[Json] = [getattr(one, name) for name in _COUNTS]
    state = _STATES[one.is_open, one.is_closed]
    return {"lot": lot_json(one.lot), "counts": counts, "state": state}


def _restored(row: Mapping[str, Any]) -> Holding:
    holding = Holding(lot_from_json(row["lot"]), *row["counts"])
    holding.is_open, holding.is_closed = row["state"] == "open", row["state"] == "dead"
    return holding
