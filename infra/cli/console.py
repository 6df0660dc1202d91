"""What a person sees. Tables and bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.prompt import Confirm, Prompt
from rich.table import Column, Table
from rich.text import Text

from chalicelib.core.model import Json
from infra.cli.exits import Declined

OUT = Console(highlight=False, soft_wrap=True)
"""Results, and nothing else: this is what a script reads."""

ERR = Console(highlight=False, soft_wrap=True, stderr=True)
"""Progress, questions and errors."""

LONGEST_WHOLE = 12
"""Signs of a word that a table does not break."""


def say(text: str) -> None:
    OUT.print(clean(text), markup=False)


def note(text: str) -> None:
    ERR.print(clean(text), markup=False)


def show_json(value: Json) -> None:
    print(json.dumps(value, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A drawn table on a terminal; elsewhere tab-separated lines without a heading."""
    if not OUT.is_terminal:
        for row in rows:
            print("\t".join(clean(str(cell)) for cell in row))  # Rich would expand the tabs
        return
    cells = [[clean(str(cell)) for cell in row] for row in rows]
    table = Table(*(_column(name, [row[at] for row in cells]) for at, name in enumerate(columns)))
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    if OUT.measure(table, options=OUT.options.update(max_width=10_000)).minimum > OUT.width:
        table.box, table.padding = SIMPLE_HEAD, 0  # the frame's room goes to the words
    OUT.print(table)


def _column(name: str, cells: Sequence[str]) -> Column:
    """A narrow terminal breaks cells instead of cutting them; days, numbers and such stay whole."""
    whole = all(len(cell) <= LONGEST_WHOLE and " " not in cell for cell in (name, *cells))
    return Column(name, overflow="fold", no_wrap=whole)


def clean(text: str) -> str:
    r"""Without control characters: a name in a CRM must not steer the terminal.

    >>> clean("Ada\x1b[2J Lovelace")
    'Ada�[2J Lovelace'
    """
    return "".join(
        "�" if unicodedata.category(sign) == "Cc" and sign != "\n" else sign for sign in text
    )


def confirm(question: str, *, yes: bool) -> None:
    """Raises Declined unless the answer is yes; where nobody can be asked, it is no."""
    if yes:
        return
    if not ERR.is_terminal:
        raise Declined(f"{question} Nobody can be asked here; say --yes.")
    if not Confirm.ask(clean(question), console=ERR):
        raise Declined("nothing was changed")


def ask(variable: str, question: str) -> str:
    """A secret, from the environment or from the person; empty where nobody can be asked."""
    given = os.environ.get(variable, "")
    if given or not ERR.is_terminal:
        return given
    return Prompt.ask(question, password=True, console=ERR)


def read_lines(count: int) -> list[str]:
    """So many lines of standard input, stripped; empty where there are fewer."""
    lines = [*sys.stdin.read().splitlines(), *[""] * count]
    return [line.strip() for line in lines[:count]]


T = TypeVar("T")


def watched(rows: Iterable[T], step: str) -> Iterator[T]:
    """The rows, with a bar on a terminal that tells how far one has come."""
    known = list(rows)
    with progress_bars() as bars:
        yield from bars.track(known, total=len(known), description=step, update_period=0.5)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def progress_bars() -> Bars:
    """With count, rate and time to go. Draws nothing where there is no terminal."""
    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=ERR,
        disable=not ERR.is_terminal,
    )
