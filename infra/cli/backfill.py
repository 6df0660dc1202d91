"""``emtiaz backfill``: score everyone who is already in the CRM."""

from __future__ import annotations

import time

from chalicelib.core.connector import CountsStrays
from chalicelib.core.model import Json
from chalicelib.pipeline.backfill import backfill as run
from chalicelib.pipeline.services import Services
from infra.cli.console import note, show_json
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage
from infra.cli.watch import LOOK_SECONDS, watch


def backfill(
    *,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Score everyone who is already in the CRM. Stop it at any time; repeat it to go on."""
    services = Installation.find(stage).services
    if dry_run:
        first = services.client(services.settings.live(connection)).list_subjects(None)
        if as_json:
            show_json({"connection": connection, "records": first.total})
        else:
            note(f"{first.total or f'at least {len(first.refs)}'} records would be scored")
        return
    started = time.monotonic()
    done = watch(run(connection, services, lambda: time.sleep(LOOK_SECONDS)))
    seconds = round(time.monotonic() - started, 1)
    strays = _strays(connection, services)
    if as_json:
        told: dict[str, Json] = {"connection": connection, "records": done, "seconds": seconds}
        show_json(told if strays is None else {**told, "stray_deals": strays})
    else:
        note(f"{done} records in {seconds} s")
    if strays:
        note(f"{strays:,} won deals name no contact, and count for nobody: give each its contact")


def _strays(connection: str, services: Services) -> int | None:
    client = services.client(services.settings.live(connection))
    return client.stray_deals() if isinstance(client, CountsStrays) else None
