"""``emtiaz train``: learn anew what scores and predictions go by and only all customers tell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chalicelib.pipeline.train import Refresh
from chalicelib.pipeline.train import train as run
from chalicelib.scoring.fitted import CARDS
from infra.cli import histories, train_file
from infra.cli.console import note, say, show_json
from infra.cli.installation import Installation
from infra.cli.model_cards import show_cards
from infra.cli.options import (
    DEFAULT_STAGE,
    THE_ONLY_ONE,
    AsJson,
    DryRun,
    Stage,
    the_connection,
)

Connection = Annotated[
    str,
    typer.Option(
        help="Without a file: id of the CRM account, as emtiaz status tells it.",
        show_default="the only one that is connected",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Of a file: write what was learned to this one, for predict and explain."),
]


def train(  # noqa: PLR0913  # one per option
    *,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    facts: histories.Facts = None,
    table: histories.Table = None,
    out: Out = None,
    policy: histories.Asked = None,
    family: histories.Model = None,
    at: histories.At = None,
    columns: histories.Columns = None,
    mapped: histories.Mapped = None,
    currency: histories.Currency = None,
    date_format: histories.DateFormat = None,
    zone: histories.Zone = None,
    skip_faults: histories.SkipFaults = False,
    plots: histories.Plots = None,
    format_: histories.PlotFormat = "svg",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Learn borders, ranks and models of the future anew, and tell how far to trust them.

    Of an installation borders move where two refreshes in a row agree. With --facts or
    --transactions models are fitted to that file and tried on its past, without AWS: of facts
    those that the section prediction of --policy asks for, else of purchases, spend and clusters.
    It ends with 1 if purchases, renewals or leads were asked for and cannot be modelled.
    """
    if facts or table:
        options = histories.Options(
            facts, table, policy, family, columns, mapped, currency, date_format, zone,
            skip_faults, at,
        )  # fmt: skip
        wanted = train_file.Wanted(None if dry_run else out, plots, format_)
        train_file.train(options, wanted, as_json=as_json)
        return
    if out or plots or policy:
        raise typer.BadParameter("--out, --plots and --policy belong to a file")
    found = run(
        the_connection(connection, stage), Installation.find(stage).services, dry_run=dry_run
    )
    if as_json:
        show_json(
            {
                "moved": list(found.moved),
                "subjects": found.subjects,
                "model_cards": {**found.cards},
                "doubtful": [str(ref) for ref in found.doubtful],
                "declined": {
                    one.segment: {"before": one.before.value, "now": one.now.value}
                    for one in found.declined
                },
            }
        )
        return
    _tell(found, dry_run=dry_run)


def _tell(found: Refresh, *, dry_run: bool) -> None:
    if not found.moved:
        say("nothing moves")
    elif dry_run:
        say(f"{', '.join(found.moved)} would move, and {found.subjects} records be scored")
    else:
        say(f"{', '.join(found.moved)} moved; {found.subjects} records are being scored")
    show_cards({CARDS: found.cards})
    for ref in found.doubtful:
        note(f"{ref} has spent 20 times what all but 1% of customers have: is an amount mistyped?")
    for one in found.declined:
        note(
            f"NPS of {one.segment} fell from {one.before.value:.0f} (±{one.before.margin:.0f}) "
            f"to {one.now.value:.0f} (±{one.now.margin:.0f}) within 90 days"
        )
