"""``emtiaz parked``: deliveries that wait for a person, with the reason."""

from __future__ import annotations

from typing import Annotated

import typer

from chalicelib.core.facts import iso
from chalicelib.core.ports import ParkedItem
from chalicelib.pipeline.park import replay as queue_again
from infra.cli.console import note, show_json, show_table
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage

app = typer.Typer(name="parked", help="Deliveries that wait for a person.", no_args_is_help=True)


@app.command("list")
def list_parked(
    *,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """List what is parked, oldest first, each with its reason."""
    items = Installation.find(stage).services.settings.parked(connection)
    if as_json:
        show_json([{**_row(item), "message": dict(item.message)} for item in items])
    else:
        show_table(("id", "parked", "reason"), [tuple(_row(item).values()) for item in items])


def _row(item: ParkedItem) -> dict[str, str]:
    return {"id": item.id, "parked_at": iso(item.parked_at), "reason": item.reason}


@app.command()
def replay(
    *,
    ids: Annotated[list[str] | None, typer.Argument(help="Which; all if none is named.")] = None,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
) -> None:
    """Queue parked deliveries again, after their reason is gone."""
    services = Installation.find(stage).services
    if dry_run:
        waiting = [one.id for one in services.settings.parked(connection)]
        count = len([one for one in waiting if not ids or one in ids])
        note(f"{count} would be queued again")
        return
    note(f"{len(queue_again(connection, services, ids or ()))} queued again")
