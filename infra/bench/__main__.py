"""``python -m infra.bench``: measure, print, and keep the figures in ``build/bench.json``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from infra.bench.cards import cards
from infra.bench.cold_start import receive_import, zip_size
from infra.bench.compilation import compilation
from infra.bench.delay import change_to_visible
from infra.bench.events import accepted
from infra.bench.figures import Figure, show, write
from infra.bench.growth import growing_collections
from infra.bench.loyalty import loyalty
from infra.bench.population import population
from infra.bench.purchases import purchases
from infra.bench.sweep import due_among_many
from infra.bench.traffic import changed_contacts
from infra.bench.webhook_delay import event_to_webhook
from infra.bench.writes import writes_per_day
from infra.cli.policy_page import SHIPPED, read_page
from infra.package import PROJECT, build
from infra.sandbox.cdnow import load_cdnow
from infra.sandbox.demo import PURCHASES
from infra.sandbox.rehearsal import Rehearsal, rehearsal
from infra.sandbox.stand_in import names

TARGET = PROJECT / "build" / "bench.json"


def main(seed: Annotated[int, typer.Option(help="Of everything that is random.")] = 7) -> None:
    """Measure the project's figures; ends with 1 if one misses its goal."""
    console = Console()
    figures: list[Figure] = []
    for name, measured in _measure(seed):
        console.print(f"measured: {name}")
        figures += measured
    write(figures, seed, TARGET)
    show(figures, seed, console)
    if not all(figure.holds for figure in figures):
        raise typer.Exit(1)


def _measure(seed: int) -> Iterator[tuple[str, list[Figure]]]:
    package = build()
    yield "the package", zip_size(package)
    yield "the start of receive", receive_import(package)
    yield "the cards", cards(seed)
    yield "the compilation", compilation(read_page(SHIPPED))
    yield "the loyalty ledger", loyalty(seed)
    yield "the events", accepted()
    yield "the population", population(seed)
    yield "the purchases", purchases(seed)
    yield "the drip", writes_per_day(read_page(SHIPPED), seed)
    yield "the sweep", due_among_many()
    for crm in names():
        with rehearsal(crm) as stage:
            yield from _measure_live(stage, seed)


def _measure_live(stage: Rehearsal, seed: int) -> Iterator[tuple[str, list[Figure]]]:
    """What is of no CRM is measured beside the first alone."""
    loaded = load_cdnow(stage.stand_in.people, PURCHASES, datetime.now(UTC))
    stage.deploy()
    stage.connect()
    stage.backfill()
    yield f"the delay, {stage.crm}", change_to_visible(stage, loaded, seed)
    is_first = stage.crm == names()[0]
    if is_first:
        yield "the webhooks", event_to_webhook(stage, loaded.customers[0])
    calls, *tables = changed_contacts(stage, seed)
    yield f"the traffic, {stage.crm}", [calls, *(tables if is_first else [])]
    if is_first:
        yield "the growth", growing_collections(stage, seed)


if __name__ == "__main__":
    typer.run(main)
