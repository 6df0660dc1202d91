"""Files that tell who bought when: what ``train``, ``predict`` and ``backtest`` have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from chalicelib.core.facts import FactSet, FactType
from chalicelib.core.model import Ref
from chalicelib.core.policy import Policy
from chalicelib.core.prediction import ClusterPrediction, PredictionPolicy, PurchasePrediction
from chalicelib.localization.reading import day_of
from chalicelib.policy import compile_policy
from chalicelib.policy.prediction import ANNUAL_RATE, ANNUAL_RATE_OF_RIALS
from chalicelib.prediction.purchases import Family
from infra.cli.console import note, watched
from infra.cli.exits import Finding
from infra.cli.policy_page import SHIPPED, read_page
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
from infra.prediction.buyers import Books, today
from infra.prediction.evidence import Evidence
from infra.prediction.pictures import Format

SHOWN = 10
"""Faults of a table that are told one by one."""

UTC = "UTC"

EARLIEST, LATEST = 1000, 9000
"""Years that are no slip of the pen; around them there has to be room for horizons."""


def day(text: str) -> date:
    found = day_of(text, ZoneInfo(UTC))
    if found is None or not EARLIEST <= found.year <= LATEST:
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
    ZoneInfo | None,
    typer.Option(
        "--time-zone",
        parser=_zone,
        help="Of days, and of times that name none.",
        show_default="that of the policy, else UTC",
    ),
]
Asked = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="Of facts: a policy, by whose section prediction they are learned of and foretold.",
        show_default="purchases, spend and clusters",
    ),
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
        show_default="the last on which anybody did anything",
    ),
]
Model = Annotated[
    Family | None,
    typer.Option(
        "--model",
        help="Of purchases: modified BG/NBD, or BG/NBD as published.",
        show_default="that of the policy, else mbg_nbd",
    ),
]
Plots = Annotated[Path | None, typer.Option(metavar="DIR", help="Draw pictures into this folder.")]
PlotFormat = Annotated[Format, typer.Option("--format", help="Of the pictures.")]


@dataclass(frozen=True, slots=True)
class Options:
    """Of the three commands, as they were given."""

    facts: Path | None
    table: Path | None
    policy: Path | None
    family: Family | None
    columns: str | None
    mapped: Sequence[str] | None
    currency: str | None
    date_format: str | None
    zone: ZoneInfo | None
    skip_faults: bool
    at: date | None

    @property
    def path(self) -> Path:
        """Raises BadParameter unless one file is named."""
        named = [one for one in (self.facts, self.table) if one]
        if len(named) != 1:
            raise typer.BadParameter("name a file by one of --facts and --transactions")
        if self.policy and not self.facts:
            raise typer.BadParameter(
                "--policy belongs to --facts: a table tells of purchases alone"
            )
        return named[0]

    @property
    def reading(self) -> Reading:
        return Reading(
            zone=self.zone or ZoneInfo(UTC),
            currency=self.currency,
            columns=[one.strip() for one in self.columns.split(",")] if self.columns else (),
            fields=dict(map(_pair, self.mapped or ())),
            date_format=self.date_format,
        )


@dataclass(frozen=True, slots=True)
class Past:
    """What a file tells."""

    path: Path
    books: Books
    known: Evidence


def past(options: Options) -> Past:
    """Raises Finding, for a table with file and line."""
    path, policy = options.path, _named(options)
    people = read_facts(path) if options.facts else {}
    books = _of_facts(path, people, options, policy) if people else _of_table(path, options)
    end = options.at or _last_day(books, people.values()) or today()
    if ahead := books.ahead(end):
        note(f"{ahead:,} purchases after {end} do not count")
    if foreign := books.foreign:
        note(f"{foreign:,} purchases in another currency than {books.currency} have no sum")
    there = {ref: facts for ref, facts in people.items() if not facts.hidden}
    asked = policy or _usual(books)
    return Past(
        path, books, Evidence(books.buyers(end), _as_wished(asked, options), end, there, watched)
    )


_DEEDS: frozenset[FactType] = frozenset({"activity", "deal", "stage"})


def _last_day(books: Books, people: Iterable[FactSet]) -> date | None:
    """On which somebody bought something, gave it back, or did anything else."""
    times = (
        one.occurred_at for facts in people for one in facts.facts.values() if one.type in _DEEDS
    )
    days = (at.astimezone(books.zone).date() for at in times)
    last = [books.last_day(today()), *(day for day in days if day <= today())]
    return max((one for one in last if one), default=None)


def _named(options: Options) -> Policy | None:
    """Raises Finding."""
    if options.policy is None:
        return None
    policy = compile_policy(read_page(options.policy))
    if policy.prediction is None:
        raise Finding(f"{options.policy}: has no section prediction, which says what is foretold")
    return replace(policy, time_zone=options.zone or policy.time_zone)


def _usual(books: Books) -> Policy:
    """What is asked where nobody says: of purchases, spend and clusters."""
    rate = ANNUAL_RATE_OF_RIALS if books.currency == "IRR" else ANNUAL_RATE
    purchases = PurchasePrediction(annual_rate=rate)
    return replace(
        compile_policy(read_page(SHIPPED)),
        currency=books.currency,
        time_zone=books.zone,
        prediction=PredictionPolicy(purchases=purchases, clusters=ClusterPrediction()),
    )


def _as_wished(policy: Policy, options: Options) -> Policy:
    """With the model that was named instead of its own."""
    asked = policy.prediction
    if asked is None or asked.purchases is None or options.family is None:
        return policy
    purchases = replace(asked.purchases, family=options.family)
    return replace(policy, prediction=replace(asked, purchases=purchases))


def _of_facts(
    path: Path, people: Mapping[Ref, FactSet], options: Options, policy: Policy | None
) -> Books:
    zone = policy.time_zone if policy else options.zone or ZoneInfo(UTC)
    try:
        return Books.of_facts(people, zone, policy.currency if policy else None)
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
    return Books.of_table(table, options.zone or ZoneInfo(UTC))


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
