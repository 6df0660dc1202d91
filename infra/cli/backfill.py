"""``emtiaz backfill``: score everyone who is already in the CRM."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.progress import TaskID

from chalicelib.pipeline.backfill import Progress
from chalicelib.pipeline.backfill import backfill as run
from infra.cli.console import ERR, note, progress_bars, show_json
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, AsJson, Connection, DryRun, Stage

LOOK_SECONDS = 1.0

_STEPS = {
    "list": "reading the list of records",
    "collect": "reading the records",
    "fit": "ranking the customers",
    "score": "scoring",
    "write": "writing to the CRM",
}


def backfill(
    *,
    connection: Connection = "hubspot-main",
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Score everyone who is already in the CRM. Stop it at any time; repeat it to go on."""
    services = Installation.find(stage).services
    if dry_run:
        first = services.client(services.settings.live(connection)).list_subjects(None)
        note(f"{first.total or f'at least {len(first.refs)}'} records would be scored")
        return
    started = time.monotonic()
    steps = run(connection, services, lambda: time.sleep(LOOK_SECONDS))
    done = _watch_bars(steps) if ERR.is_terminal else _watch_lines(steps)
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        show_json({"connection": connection, "records": done, "seconds": seconds})
    else:
        note(f"{done} records in {seconds} s")


def _watch_bars(steps: Iterator[Progress]) -> int:
    bars: dict[str, TaskID] = {}
    most = 0
    with progress_bars() as drawn:
        for now in steps:
            if now.step not in bars:
                bars[now.step] = drawn.add_task(_STEPS.get(now.step, now.step))
            drawn.update(bars[now.step], completed=now.done, total=now.total)
            most = max(most, now.done)
    return most


def _watch_lines(steps: Iterator[Progress]) -> int:
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
