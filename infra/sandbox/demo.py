"""``make demo``: Emtiaz from an empty cloud to scores on records, on this machine alone.

``KEEP=1`` leaves everything running at the end, until Ctrl-C. Needs no account anywhere.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from infra.package import build
from infra.sandbox.cdnow import Loaded, load_cdnow
from infra.sandbox.live_view import Outcome, Salespeople, watch
from infra.sandbox.rehearsal import Rehearsal, rehearsal
from infra.sandbox.stand_in import names, starter

PURCHASES = Path(__file__).parents[2] / "tests" / "data" / "cdnow" / "purchases.txt"
LONGEST_WAIT_SECONDS = 8.0

ALL = "all"
"""In place of the name of a CRM."""

_ZONE = ZoneInfo("Asia/Tehran")
"""Of every stand-in's account."""

_COMPARED = ("score", "class", "grade", "next_action", "why")

console = Console()


@dataclass(frozen=True, slots=True)
class Act:
    """One CRM of the demo, with the people whom ``load_cdnow`` put there."""

    stage: Rehearsal
    loaded: Loaded

    @property
    def everyone(self) -> tuple[str, ...]:
        """In the same order in every CRM."""
        return self.loaded.customers + self.loaded.leads

    @property
    def shown(self) -> list[Mapping[str, str]]:
        return [self.stage.stand_in.people.shown(one) for one in self.everyone]


def main(
    crm: Annotated[str, typer.Option(envvar="CRM", help="Which stand-in, or all.")] = names()[0],
    keep: Annotated[bool, typer.Option(envvar="KEEP", help="Stay up at the end.")] = False,
    changes: Annotated[int, typer.Option(help="How many things people change.")] = 15,
    seed: int = 7,
) -> None:
    """Deploy, connect, provision, backfill and watch, with a stand-in CRM."""
    if crm not in (*names(), ALL):
        known = ", ".join((*names(), ALL))
        raise typer.BadParameter(f"no stand-in {crm!r}; there are: {known}", param_hint="CRM")
    # So that whoever ends the demo, servers and temporary folders go with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console.print("[bold]packaging what Lambda gets (chalice package)[/]")
    build()
    crms = names() if crm == ALL else (crm,)
    console.print(f"[bold]starting the local cloud and a stand-in CRM: {', '.join(crms)}[/]")
    with rehearsal(crms[0]) as first, ExitStack() as others:
        stages = [first, *(_beside(first, one, others) for one in crms[1:])]
        acts = _loaded(stages)
        _install(acts)
        outcomes = _go_live(acts, changes, seed)
        _sum_up(acts, outcomes)
        if keep:
            _stay(acts)
        else:
            again = f"KEEP=1 make demo CRM={crm}"
            console.print(f"{again} leaves it running, to look at the records")


def _beside(first: Rehearsal, crm: str, others: ExitStack) -> Rehearsal:
    stand_in = others.enter_context(starter(crm)())
    return first.beside(crm, stand_in, f"{crm}-main")


def _loaded(stages: Sequence[Rehearsal]) -> list[Act]:
    """The same people and purchases; of several CRMs no more than each of them can hold."""
    now, days_of = datetime.now(UTC), _ZONE if len(stages) > 1 else None
    return [
        Act(one, load_cdnow(one.stand_in.people, PURCHASES, now, days_of=days_of)) for one in stages
    ]


def _install(acts: Sequence[Act]) -> None:
    """One installation with a connection to each CRM, under one policy."""
    for one in acts:
        console.print(
            f"  {one.stage.crm} holds {len(one.loaded.customers)} customers with "
            f"{len(one.loaded.deals)} deals and {len(one.loaded.leads)} people who never "
            "bought, from the CDNOW purchase history"
        )
    console.print()
    _run(acts[0].stage, "deploy", "--sandbox", "--yes")
    for one in acts:
        _run(one.stage, *one.stage.connecting)
        _run(one.stage, "provision", *one.stage.at, "--yes")
        _run(one.stage, "backfill", *one.stage.at)
    if len(acts) > 1:
        alike, everyone = _alike(acts), len(acts[0].everyone)
        console.print(f"{alike} of {everyone} people show the same in every CRM\n")


def _run(stage: Rehearsal, *arguments: str) -> None:
    """As an admin types it, with all that it prints."""
    console.print(f"[bold]$ emtiaz {' '.join(arguments)}[/]", soft_wrap=True)  # to be copied
    started = time.monotonic()
    command = stage.command(*arguments)
    subprocess.run(command, env={**os.environ, **stage.environment}, check=True)
    console.print(f"[dim]  {time.monotonic() - started:.1f} s[/]\n")


def _go_live(acts: Sequence[Act], changes: int, seed: int) -> list[Outcome]:
    """Each thing happens in every CRM, in one after the other."""
    for one in acts:
        one.stage.subscribe()
    at_work = {
        one.stage.crm: Salespeople(
            one.stage.stand_in.people,
            one.loaded,
            Random(seed),  # noqa: S311 - a rehearsal
        )
        for one in acts
    }
    return watch(_outcomes(at_work, changes), console)


def _outcomes(at_work: Mapping[str, Salespeople], changes: int) -> Iterator[Outcome]:
    for _ in range(changes):
        for crm, people in at_work.items():
            outcome = people.work(LONGEST_WAIT_SECONDS)
            told = f"{crm}: {outcome.name}" if len(at_work) > 1 else outcome.name
            yield replace(outcome, name=told)


def _sum_up(acts: Sequence[Act], outcomes: Sequence[Outcome]) -> None:
    delays = [one.delay.total_seconds() for one in outcomes if one.delay is not None]
    everyone = [record for one in acts for record in one.shown]
    scored = sum("score" in record for record in everyone)
    console.print(f"\n{scored} of {len(everyone)} contacts show their score")
    if delays:
        console.print(
            f"{len(delays)} of {len(outcomes)} changes moved a score; from change to visible: "
            f"median {median(delays):.2f} s, longest {max(delays):.2f} s"
        )


def _alike(acts: Sequence[Act]) -> int:
    """How many people have the same score, class, grade, advice and reasons in each of them."""
    return sum(
        len({tuple(record.get(name, "") for name in _COMPARED) for record in records}) == 1
        for records in zip(*(one.shown for one in acts), strict=True)
    )


def _somebody_who_has_not_bought(stage: Rehearsal, loaded: Loaded) -> str:
    """So that a promotion moves the score: that of customers is made of purchases.

    The lowest of all, for whoever decides already has points for it.
    """
    shown = {one: stage.stand_in.people.shown(one) for one in loaded.leads}
    prospects = [one for one in loaded.leads if "class" not in shown[one]]
    return min(prospects, key=lambda one: int(shown[one].get("score", 0)))


def _stay(acts: Sequence[Act]) -> None:
    for one in acts:
        _tell_what_to_try(one.stage, one.loaded)
    console.print("Ctrl-C ends it")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("ending")


def _tell_what_to_try(stage: Rehearsal, loaded: Loaded) -> None:
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
        "to have it, and who will probably buy again or leave, on the records:",
        f"  .venv/bin/emtiaz policy publish online_shop --yes {at}",
        f"  .venv/bin/emtiaz train {at}",
    )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
