"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Stage = Annotated[
    str, typer.Option(envvar="EMTIAZ_STAGE", help="Which installation of the account.")
]
Connection = Annotated[str, typer.Option(help="Id of the CRM account, as hubspot-main.")]
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
