"""Files that tell who bought when: what ``train``, ``predict`` and ``backtest`` have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from chalicelib.localization.reading import day_of
from chalicelib.prediction.purchases import Family
from infra.cli.console import note, watched
from infra.cli.exits import Finding
from infra.cli.score import read_facts
from infra.imports.sales import TableUnreadable
from infra.imports.transactions import (
    FIELDS,
    Reading,
    RowFault,
    Transactions,
    currency_code,
    read,
)
from infra.prediction.buyers import Books, Buyer, today
from infra.prediction.pictures import Format

SHOWN = 10
"""Faults of a table that are told one by one."""

UTC = "UTC"


def day(text: str) -> date:
    found = day_of(text, ZoneInfo(UTC))
    if found is None:
        raise typer.BadParameter(f"{text!r} is no day; write 2026-03-21 or ۱۴۰۵/۱/۱")
    return found


def _zone(text: object) -> ZoneInfo:
    """Also of the default, which is a zone already."""
    try:
        return ZoneInfo(str(text))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # the last for a folder of zones
        raise typer.BadParameter(f"{text!r} is no time zone; write Asia/Tehran") from error


def _currency(text: str) -> str:
    code = currency_code(text)
    if code is None:
        raise typer.BadParameter(f"{text!r} is no currency; write USD, IRR, toman or the like")
    return code


Facts = Annotated[Path | None, typer.Option(help="Facts as JSON lines.")]
Table = Annotated[
    Path | None,
    typer.Option(
        "--transactions",
        help="A table of purchases as CSV: customer, date, amount, also under Persian headings.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,NAME…",
        help=f"Of a table without a heading, what each column is: {', '.join(FIELDS)}, or _ .",
    ),
]
Mapped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="What a column is whose heading is not known. Repeatable.",
    ),
]
Currency = Annotated[
    str | None,
    typer.Option(
        parser=_currency, help="Of sums that name none: USD, IRR or rial, IRT or toman, …"
    ),
]
DateFormat = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="How days are written, as %d.%m.%Y.",
        show_default="2026-03-21, or ۱۴۰۵/۱/۱",
    ),
]
Zone = Annotated[
    ZoneInfo, typer.Option("--time-zone", parser=_zone, help="Of days and times that name none.")
]
SkipFaults = Annotated[
    bool, typer.Option("--skip-faults", help="Leave out rows that cannot be read.")
]
At = Annotated[
    date | None,
    typer.Option(
        parser=day,
        metavar="DAY",
        help="Look at everybody as of the end of this day.",
        show_default="the last purchase or refund",
    ),
]
Model = Annotated[
    Family, typer.Option("--model", help="Of purchases: modified BG/NBD, or BG/NBD as published.")
]
Plots = Annotated[Path | None, typer.Option(metavar="DIR", help="Draw pictures into this folder.")]
PlotFormat = Annotated[Format, typer.Option("--format", help="Of the pictures.")]


@dataclass(frozen=True, slots=True)
class Options:
    """Of the three commands, as they were given."""

    facts: Path | None
    table: Path | None
    columns: str | None
    mapped: Sequence[str] | None
    currency: str | None
    date_format: str | None
    zone: ZoneInfo
    skip_faults: bool
    at: date | None

    @property
    def path(self) -> Path:
        """Raises BadParameter unless one file is named."""
        named = [one for one in (self.facts, self.table) if one]
        if len(named) != 1:
            raise typer.BadParameter("name a file by one of --facts and --transactions")
        return named[0]

    @property
    def reading(self) -> Reading:
        return Reading(
            zone=self.zone,
            currency=self.currency,
            columns=[one.strip() for one in self.columns.split(",")] if self.columns else (),
            fields=dict(map(_pair, self.mapped or ())),
            date_format=self.date_format,
        )


@dataclass(frozen=True, slots=True)
class Past:
    """What a file tells, as of the end of the day ``end``."""

    path: Path
    books: Books
    end: date
    buyers: Sequence[Buyer]


def past(options: Options) -> Past:
    """Raises Finding, for a table with file and line."""
    path = options.path
    books = _of_facts(path, options.zone) if options.facts else _of_table(path, options)
    end = options.at or books.last_day(today()) or today()
    if ahead := books.ahead(end):
        note(f"{ahead:,} purchases after {end} do not count")
    if foreign := books.foreign:
        note(f"{foreign:,} purchases in another currency than {books.currency} do not count")
    return Past(path, books, end, books.buyers(end))


def _of_facts(path: Path, zone: ZoneInfo) -> Books:
    try:
        return Books.of_facts(read_facts(path), zone)
    except ValueError as error:
        raise Finding(f"{path}: {error}") from error


def _of_table(path: Path, options: Options) -> Books:
    table = _table(path, options.reading)
    if table.faults:
        told = "\n".join(_told(path, table.faults))
        if not options.skip_faults:
            raise Finding(f"{told}\n--skip-faults leaves such rows out")
        note(f"{told}\n{len(table.faults):,} of {table.rows:,} rows are left out")
    if table.zeros:
        note(f"{table.zeros:,} purchases of 0 do not count")
    return Books.of_table(table, options.zone)


def _table(path: Path, reading: Reading) -> Transactions:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return read(watched(file, "reading purchases"), reading)
    except UnicodeDecodeError as error:
        raise Finding(f"{path}: is not in UTF-8: save it as “CSV UTF-8”") from error
    except TableUnreadable as error:
        raise Finding(f"{path}: {error}") from error
    except OSError as error:
        raise Finding(f"{path}: {error.strerror}") from error


def _told(path: Path, faults: Sequence[RowFault]) -> Iterator[str]:
    yield from (f"{path}:{one.line}: {one.reason}" for one in faults[:SHOWN])
    if len(faults) > SHOWN:
        yield f"and {len(faults) - SHOWN:,} rows more"


def _pair(told: str) -> tuple[str, str]:
    name, is_mapped, meant = told.rpartition("=")
    if not (name and is_mapped and meant):
        raise typer.BadParameter("write COLUMN=FIELD, as Total=amount", param_hint="--map")
    return name, meant
