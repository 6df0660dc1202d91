"""Showing how far a long job is: bars on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rich.progress import TaskID

from chalicelib.pipeline.progress import Progress
from infra.cli.console import ERR, note, progress_bars

LOOK_SECONDS = 1.0

_STEPS = {
    "list": "reading the list of records",
    "collect": "reading the records",
    "fit": "ranking the customers",
    "score": "scoring",
    "write": "writing to the CRM",
}


def watch(steps: Iterator[Progress]) -> int:
    """Returns the most records that any step dealt with."""
    return _bars(steps) if ERR.is_terminal else _lines(steps)


def _bars(steps: Iterator[Progress]) -> int:
    bars: dict[str, TaskID] = {}
    most = 0
    with progress_bars() as drawn:
        for now in steps:
            if now.step not in bars:
                bars[now.step] = drawn.add_task(_STEPS.get(now.step, now.step))
            drawn.update(bars[now.step], completed=now.done, total=now.total)
            most = max(most, now.done)
    return most


def _lines(steps: Iterator[Progress]) -> int:
    """One line whenever a step begins or another tenth of it is done."""
    told: tuple[str, int] | None = None
    most = 0
    for now in steps:
        tenths = 10 * now.done // now.total if now.total else 0
        if told != (now.step, tenths):
            of_total = f" of {now.total}" if now.total is not None else ""
            note(f"{_STEPS.get(now.step, now.step)}: {now.done}{of_total}")
            told = (now.step, tenths)
        most = max(most, now.done)
    return most
