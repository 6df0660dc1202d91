"""The ``emtiaz`` command: one module per group of commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from infra.cli import (
    announce,
    backfill,
    backtest,
    calls,
    connect,
    dead_letters,
    deploy,
    erase,
    events,
    explain,
    export,
    imports,
    loyalty,
    parked,
    points,
    policy,
    predict,
    provision,
    score,
    status,
    subscriptions,
    train,
)
from infra.cli.console import note
from infra.cli.exits import EXPECTED, exit_code, explanation

app = typer.Typer(
    name="emtiaz",
    help="Install and operate Emtiaz: scores of people and companies, in your CRM.",
    epilog="Exit codes: 0 done, 1 something to put right, 2 usage, 3 not reachable, 4 refused.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.command()(deploy.deploy)
app.command()(connect.connect)
app.command()(provision.provision)
app.command()(subscriptions.unsubscribe)
app.command()(backfill.backfill)
app.command()(train.train)
app.command()(predict.predict)
app.command()(backtest.backtest)
app.command()(status.status)
app.command()(score.score)
app.command()(explain.explain)
app.command()(calls.calls)
app.command()(erase.erase)
app.command()(export.export)
app.command("import")(imports.import_events)
app.add_typer(policy.app)
app.add_typer(loyalty.app)
app.add_typer(points.app)
app.add_typer(events.app)
app.add_typer(announce.app)
app.add_typer(parked.app)
app.add_typer(dead_letters.app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Expected errors end as one sentence and a number; any other is a bug, with traceback."""
    try:
        app(arguments)
    except EXPECTED as error:
        note(explanation(error))
        sys.exit(exit_code(error))
