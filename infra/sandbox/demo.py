"""``make demo``: Emtiaz from an empty cloud to scores on records, on this machine alone.

``KEEP=1`` leaves everything running at the end, until Ctrl-C. Needs no account anywhere.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from infra.package import build
from infra.sandbox.cdnow import Loaded, load_cdnow
from infra.sandbox.live_view import Outcome, Salespeople, watch
from infra.sandbox.rehearsal import Rehearsal, rehearsal
from infra.sandbox.stand_in import names

PURCHASES = Path(__file__).parents[2] / "tests" / "data" / "cdnow" / "purchases.txt"
LONGEST_WAIT_SECONDS = 8.0

console = Console()


def main(
    crm: Annotated[str, typer.Option(envvar="CRM", help="Which stand-in CRM.")] = names()[0],
    keep: Annotated[bool, typer.Option(envvar="KEEP", help="Stay up at the end.")] = False,
    changes: Annotated[int, typer.Option(help="How many things people change.")] = 15,
    seed: int = 7,
) -> None:
    """Deploy, connect, provision, backfill and watch, with a stand-in CRM."""
    if crm not in names():
        known = ", ".join(names())
        raise typer.BadParameter(f"no stand-in {crm!r}; there are: {known}", param_hint="CRM")
    # So that whoever ends the demo, servers and temporary folders go with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console.print("[bold]packaging what Lambda gets (chalice package)[/]")
    build()
    console.print(f"[bold]starting the local cloud and a stand-in CRM: {crm}[/]")
    with rehearsal(crm) as stage:
        loaded = load_cdnow(stage.stand_in.people, PURCHASES, datetime.now(UTC))
        _install(stage, loaded)
        outcomes = _go_live(stage, loaded, changes, seed)
        _sum_up(stage, loaded, outcomes)
        if keep:
            _stay(stage, loaded)
        else:
            again = f"KEEP=1 make demo CRM={crm}"
            console.print(f"{again} leaves it running, to look at the records")


def _install(stage: Rehearsal, loaded: Loaded) -> None:
    console.print(
        f"  {stage.crm} holds {len(loaded.customers)} customers with {len(loaded.deals)} deals "
        f"and {len(loaded.leads)} people who never bought, from the CDNOW purchase history\n"
    )
    _run(stage, "deploy", "--sandbox", "--yes")
    _run(stage, *stage.connecting)
    _run(stage, "provision", *stage.at, "--yes")
    _run(stage, "backfill", *stage.at)


def _run(stage: Rehearsal, *arguments: str) -> None:
    """As an admin types it, with all that it prints."""
    console.print(f"[bold]$ emtiaz {' '.join(arguments)}[/]")
    started = time.monotonic()
    command = stage.command(*arguments)
    subprocess.run(command, env={**os.environ, **stage.environment}, check=True)
    console.print(f"[dim]  {time.monotonic() - started:.1f} s[/]\n")


def _go_live(stage: Rehearsal, loaded: Loaded, changes: int, seed: int) -> list[Outcome]:
    stage.subscribe()
    crm = stage.stand_in.people
    people = Salespeople(crm, loaded, Random(seed))  # noqa: S311 - a rehearsal
    return watch(_outcomes(people, changes), console)


def _outcomes(people: Salespeople, changes: int) -> Iterator[Outcome]:
    return (people.work(LONGEST_WAIT_SECONDS) for _ in range(changes))


def _sum_up(stage: Rehearsal, loaded: Loaded, outcomes: Sequence[Outcome]) -> None:
    delays = [one.delay.total_seconds() for one in outcomes if one.delay is not None]
    everyone = loaded.customers + loaded.leads
    scored = sum("score" in stage.stand_in.people.shown(one) for one in everyone)
    console.print(f"\n{scored} of {len(everyone)} contacts show their score")
    if delays:
        console.print(
            f"{len(delays)} of {len(outcomes)} changes moved a score; from change to visible: "
            f"median {median(delays):.2f} s, longest {max(delays):.2f} s"
        )


def _somebody_who_has_not_bought(stage: Rehearsal, loaded: Loaded) -> str:
    """So that a promotion moves the score: that of customers is made of purchases.

    The lowest of all, for whoever decides already has points for it.
    """
    shown = {one: stage.stand_in.people.shown(one) for one in loaded.leads}
    prospects = [one for one in loaded.leads if "class" not in shown[one]]
    return min(prospects, key=lambda one: int(shown[one].get("score", 0)))


def _stay(stage: Rehearsal, loaded: Loaded) -> None:
    person, crm = _somebody_who_has_not_bought(stage, loaded), stage.stand_in
    environment = " ".join(f"{name}={value}" for name, value in stage.environment.items())
    at = " ".join(stage.at)
    lines = (
        f"a record as a rep sees it: {crm.people.record_url(person)}",
        f"all contacts: {crm.url}/",
        "to change it as a rep would:",
        f"  {crm.promotion(person)}",
        "for commands against this installation, in a terminal of their own, first:",
        f"  export {environment}",
        "to ask why its score is what it is:",
        f"  .venv/bin/emtiaz explain {crm.ref(stage.connection, person)}",
        "to see whom to call first:",
        f"  .venv/bin/emtiaz calls {at}",
        "to see what another policy would do:",
        f"  .venv/bin/emtiaz policy publish online_shop --dry-run {at}",
        "Ctrl-C ends it",
    )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("ending")


if __name__ == "__main__":
    typer.run(main)
