"""A table of sales as CSV, whose columns are mapped to the members of events.

Sums and days may be written as people write them: Persian or Latin digits, toman or rial, either
calendar. What cannot be read without guessing is a fault of its row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from chalicelib.core.facts import iso
from chalicelib.core.model import Json
from chalicelib.events.validation import Fault
from chalicelib.localization.letters import display_form
from chalicelib.localization.reading import instant_of, money_of
from chalicelib.pipeline.import_events import Row

WHO = {"record": "id", "email": "email", "phone": "phone"}
"""The first of these that a row has says who bought."""

FIELDS = (*WHO, "id", "occurred_at", "type", "amount", "currency", "purchase", "credit", "kind")
"""What a column may be mapped to; beside these, ``data.`` and a name of one's own."""

DELIMITERS = ",;\t"


class TableUnreadable(ValueError):
    """What is wrong with the table as a whole, or with how it is mapped."""


@dataclass(frozen=True, slots=True)
class Table:
    """How the columns of a table are meant.

    ``fields`` maps names of columns; ``type`` and ``currency`` are those of rows that name none,
    and ``zone`` is that of days and times.
    """

    fields: Mapping[str, str]
    zone: ZoneInfo
    type: str = "purchase"
    currency: str | None = None

    def rows(self, lines: Iterable[str]) -> Iterator[Row]:
        """One per row of the table, by the line it ends in. Raises ``TableUnreadable``."""
        texts = iter(lines)
        heading = next(texts, "")
        delimiter = max(DELIMITERS, key=heading.count)
        columns = [name.strip() for name in next(csv.reader([heading], delimiter=delimiter), [])]
        self._check(columns)
        reader = csv.reader(texts, delimiter=delimiter)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(1 + reader.line_num, self._item(columns, cells))

    def _check(self, columns: list[str]) -> None:
        unknown = [field for field in self.fields.values() if not _is_field(field)]
        absent = [name for name in self.fields if name not in columns]
        missing = [name for name in ("id", "occurred_at") if name not in self.fields.values()]
        if unknown:
            raise TableUnreadable(
                f"{unknown[0]} is no field; there are {', '.join(FIELDS)}, data.*"
            )
        if absent:
            raise TableUnreadable(f"no column {absent[0]}; there are {', '.join(columns)}")
        if missing or not set(WHO) & set(self.fields.values()):
            need = missing[0] if missing else f"one of {', '.join(WHO)}"
            raise TableUnreadable(f"a column must be mapped to {need}")

    def _item(self, columns: list[str], cells: list[str]) -> Json | Fault:
        if len(cells) != len(columns):
            return Fault("", f"has {len(cells)} cells: write {len(columns)}, as the heading has")
        by_column = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
        told = {field: by_column[name] for name, field in self.fields.items() if by_column[name]}
        return self._event(told)

    def _event(self, told: Mapping[str, str]) -> Json | Fault:
        at = instant_of(told.get("occurred_at", ""), self.zone)
        if at is None:
            return Fault("/occurred_at", "is no day that can be read: write 2026-03-21 or ۱۴۰۵/۱/۱")
        data = self._data(told)
        if isinstance(data, Fault):
            return data
        name = next((one for one in WHO if one in told), None)
        return {
            "who": {WHO[name]: display_form(told[name])} if name else {},
            "type": told.get("type", self.type),
            "id": display_form(told.get("id", "")),
            "occurred_at": iso(at),
            "data": data,
        }

    def _data(self, told: Mapping[str, str]) -> dict[str, Json] | Fault:
        found: dict[str, Json] = {
            name.removeprefix("data."): text
            for name, text in told.items()
            if name.startswith("data.") or name in {"credit", "kind"}
        }
        if "purchase" in told:
            found["purchase"] = display_form(told["purchase"])
        if "amount" in told:
            amount = money_of(told["amount"], told.get("currency", self.currency))
            if amount is None:
                return Fault("/data/amount", "is no sum that can be read: name its currency too")
            found["amount"] = amount.to_json()
        return found


def _is_field(name: str) -> bool:
    return name in FIELDS or (name.startswith("data.") and name != "data.")
