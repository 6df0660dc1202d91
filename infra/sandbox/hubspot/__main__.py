"""``python -m infra.sandbox.hubspot``: the stand-in as a program, until it is interrupted."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from infra.sandbox.hubspot.cdnow import load_cdnow
from infra.sandbox.hubspot.portal import AppToken, Settings
from infra.sandbox.hubspot.rate_limit import Rate
from infra.sandbox.hubspot.server import StandIn


def main(
    port: Annotated[int, typer.Option(help="0 takes any free port.")] = 0,
    port_file: Annotated[Path | None, typer.Option(help="Write the port here.")] = None,
    portal_id: int = 62515,
    app_id: int = 54321,
    token: str = "stand-in-token",  # noqa: S107 - opens nothing but this stand-in
    calls: Annotated[int, typer.Option(help="API calls allowed in any ten seconds.")] = 190,
    cdnow: Annotated[Path | None, typer.Option(help="Load this purchase history.")] = None,
) -> None:
    """Run a stand-in HubSpot on loopback."""
    settings = Settings(portal_id=portal_id, tokens={token: AppToken(app_id)})
    with StandIn.start(port, settings, Rate(calls)) as stand_in:
        if cdnow:
            load_cdnow(stand_in.portal, cdnow, datetime.now(UTC))
        print(stand_in.url, flush=True)
        if port_file:
            port_file.write_text(stand_in.url.rpartition(":")[2])
        _wait_for_interrupt()


def _wait_for_interrupt() -> None:
    stopped = Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: stopped.set())
    stopped.wait()


if __name__ == "__main__":
    typer.run(main)
