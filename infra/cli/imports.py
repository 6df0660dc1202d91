"""``emtiaz import``: what happened before a shop was connected, from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from chalicelib.core.model import Json
from chalicelib.events.validation import Fault
from chalicelib.pipeline.import_events import Checked, Row, checked_rows, reached, send
from infra.cli.console import note, progress_bars, show_json, show_table
from infra.cli.exits import ExitCode, Finding
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage
from infra.imports import fact_lines
from infra.imports.sales import FIELDS, Table, TableUnreadable

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how to read it; ``digest`` is of both. ``lines`` counts what it has."""

    path: Path
    table: Table | None
    lines: int
    digest: str

    def rows(self) -> Iterator[Row]:
        """Raises Finding."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                lines = self.table.rows(file) if self.table else fact_lines.rows(file)
                yield from lines
        except (UnicodeDecodeError, TableUnreadable) as error:
            raise Finding(f"{self.path}: {error}") from error


def import_events(  # noqa: PLR0913 - the options of a command
    *,
    connection: Connection = THE_ONLY_ONE,
    facts: Annotated[Path | None, typer.Option(help="Facts or events as JSON lines.")] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="A table of sales, its columns named in line 1.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help=f"What a column is: {', '.join(FIELDS)}, or data. and a name. Repeatable.",
        ),
    ] = None,
    type_: Annotated[
        str, typer.Option("--type", help="Of rows whose table names no type.")
    ] = "purchase",
    currency: Annotated[
        str,
        typer.Option(help="Of sums that name none; IRT for toman.", show_default="the account's"),
    ] = "",
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring in purchases, refunds and activities from a file, checked as those that shops send.

    Refused rows are listed and left out, and it ends with 1. Stop it at any time; repeat it to go
    on. What stands in the file twice, or was brought in before, counts once.
    """
    services = Installation.find(stage).services
    live = services.settings.live(connection).connection
    zone = ZoneInfo(live.time_zone)
    kept = Table(_mapped(columns or ()), zone, type_, currency or live.currency) if table else None
    source = _source(facts, table, kept)
    done = reached(connection, source.digest, services)
    if done:
        note(f"going on after line {done}")
    rows = checked_rows(source.rows(), connection, services.clock.now())
    if not dry_run:
        rows = send(rows, connection, source.digest, services)
    accepted, refused = _watched(rows, source.lines)
    _tell(accepted, refused, dry_run=dry_run, as_json=as_json)
    if refused:
        raise typer.Exit(ExitCode.FINDING)


def _mapped(columns: Sequence[str]) -> dict[str, str]:
    found = {}
    for told in columns:
        name, is_mapped, field = told.rpartition("=")
        if not (name and is_mapped and field):
            raise typer.BadParameter("write COLUMN=FIELD, as Total=amount", param_hint="--map")
        found[name] = field
    return found


def _source(facts: Path | None, table: Path | None, kept: Table | None) -> Source:
    path = facts or table
    if path is None or (facts and table):
        raise typer.BadParameter("name a file by one of --facts and --csv")
    digest, lines = hashlib.sha256(repr(kept).encode()), 0
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                lines += block.count(b"\n")
    except OSError as error:
        raise Finding(f"{path}: {error.strerror}") from error
    return Source(path, kept, lines, digest.hexdigest()[:20])


def _watched(rows: Iterable[Checked], lines: int) -> tuple[int, list[tuple[int, Fault]]]:
    accepted, refused = 0, []
    with progress_bars() as bars:
        bar = bars.add_task("importing", total=lines)
        for row in rows:
            if isinstance(row.item, Fault):
                refused.append((row.line, row.item))
            else:
                accepted += 1
            bars.update(bar, completed=row.line)
    return accepted, refused


def _tell(
    accepted: int, refused: Sequence[tuple[int, Fault]], *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        rows: list[Json] = [
            {"line": line, "pointer": fault.pointer, "reason": fault.reason}
            for line, fault in refused
        ]
        show_json({"accepted": accepted, "refused": rows, "dry_run": dry_run})
        return
    show_table(
        ("line", "place", "reason"), [(line, one.pointer, one.reason) for line, one in refused]
    )
    verb = "would be brought in" if dry_run else "brought in; they are scored within minutes"
    note(f"{accepted} {verb}, {len(refused)} refused")
