"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chalicelib.core.model import Ref
from infra.cli.exits import Finding
from infra.cli.installation import Installation
from infra.refs import typed_ref


def _only_one(context: typer.Context, named: str) -> str:
    """``stage`` is known by then."""
    return named if context.resilient_parsing else the_connection(named, context.params["stage"])


def the_connection(named: str, stage: str) -> str:
    """What was named, else the one that the installation has."""
    if named:
        return named
    settings = Installation.find(stage).services.settings
    known = sorted(connection.id for connection in settings.connections())
    if not known:
        raise Finding("nothing is connected yet; next: emtiaz connect CRM")
    if len(known) > 1:
        raise typer.BadParameter(f"say which one with --connection: {', '.join(known)}")
    return known[0]


def _ref(text: str) -> Ref:
    try:
        return typed_ref(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Stage = Annotated[
    str,
    typer.Option(envvar="EMTIAZ_STAGE", help="Which installation of the account.", is_eager=True),
]
Connection = Annotated[
    str,
    typer.Option(
        help="Id of the CRM account, as emtiaz status tells it.",
        show_default="the only one that is connected",
        callback=_only_one,
    ),
]
Record = Annotated[
    Ref,
    typer.Argument(
        metavar="REF", parser=_ref, help="A record, as CONNECTION:contact:512 or CONNECTION:lead:7."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and stop.")]
Policy = Annotated[
    Path,
    typer.Option(
        help="Policy to score by: a file, or the name of a shipped one.",
        show_default="the shipped starter policy",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

DEFAULT_STAGE = "prod"
THE_ONLY_ONE = ""
"""Connection that is to be found."""
