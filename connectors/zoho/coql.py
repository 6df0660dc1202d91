"""Queries in Zoho's COQL: by the ids that a field may hold, or from an instant on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from connectors.zoho.api import FIELDS, IDS, MOST_ROWS, ROWS, ZohoApi, chunks
from connectors.zoho.records import Record


def text(value: str) -> str:
    r"""As it stands in a query.

    >>> print(text("p.o'boyle@example.com"))
    'p.o\'boyle@example.com'
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def instant(at: datetime) -> str:
    return text(at.isoformat(timespec="seconds"))


@dataclass(frozen=True, slots=True)
class Selection:
    """Columns of one module; no more than 50 of them can be asked for."""

    api: ZohoApi
    module: str
    columns: Sequence[str]

    def where(self, field: str, values: Iterable[str]) -> list[Record]:
        """All records whose field holds one of the values, by id."""
        parts = chunks(sorted(set(values)), IDS)
        return list(chain.from_iterable(self._every(_is_among(field, some)) for some in parts))

    def first(self, where: str, order: str, most: int) -> list[Record]:
        columns = list(dict.fromkeys(["id", *self.columns]))[:FIELDS]
        clauses = [
            f"select {', '.join(columns)}",
            f"from {self.module}",
            f"where {where}",
            f"order by {order}",
            f"limit {most}",
        ]
        return self.api.query(" ".join(clauses))

    def _every(self, where: str) -> list[Record]:
        """A page for one credit, and longer ones where that did not hold them all."""
        found = self.first(where, "id", ROWS)
        most, page = ROWS, found
        while len(page) == most:
            beyond, most = text(str(page[-1]["id"])), MOST_ROWS
            page = self.first(f"({where} and id > {beyond})", "id", most)
            found = [*found, *page]
        return found


def _is_among(field: str, values: Iterable[str]) -> str:
    return f"{field} in ({', '.join(map(text, values))})"
