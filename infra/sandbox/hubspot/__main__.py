"""``python -m infra.sandbox.hubspot``: the stand-in as a program, until it is interrupted."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.cdnow import load_cdnow
from infra.sandbox.hubspot.acting import ActingStandIn
from infra.sandbox.hubspot.control.loading import load_all
from infra.sandbox.hubspot.oauth import OAuthApp
from infra.sandbox.hubspot.portal import AppToken, Settings


def main(  # noqa: PLR0913, PLR0917 - an option each
    port: Annotated[int, typer.Option(help="0 takes any free port.")] = 0,
    port_file: Annotated[Path | None, typer.Option(help="Write the port here.")] = None,
    portal_id: int = 62515,
    app_id: int = 54321,
    token: str = "stand-in-token",  # noqa: S107 - opens nothing but this stand-in
    calls: Annotated[int, typer.Option(help="API calls allowed in any ten seconds.")] = 190,
    oauth_calls: Annotated[int, typer.Option(help="The same for OAuth tokens.")] = 110,
    searches: Annotated[int, typer.Option(help="Searches allowed in any second.")] = 5,
    index_lag: Annotated[float, typer.Option(help="How late searches are, in seconds.")] = 0.0,
    load: Annotated[Path | None, typer.Option(help="JSON as /_control/load takes it.")] = None,
    cdnow: Annotated[Path | None, typer.Option(help="Load this purchase history.")] = None,
    seed: Annotated[int, typer.Option(help="Of what is invented around the purchases.")] = 1997,
) -> None:
    """Run a stand-in HubSpot on loopback."""
    settings = Settings(
        portal_id=portal_id,
        index_lag=timedelta(seconds=index_lag),
        tokens={token: AppToken(app_id)},
        oauth_app=OAuthApp(app_id),
    )
    stopped = _interruption()
    with ActingStandIn.start(port, settings, Rate(calls)) as stand_in:
        stand_in.oauth_limit.reset(Rate(oauth_calls))
        stand_in.search_limit.reset(Rate(searches, 1.0))
        if load:
            load_all(stand_in.portal, json.loads(load.read_text(encoding="utf-8")))
        if cdnow:
            load_cdnow(stand_in.people, cdnow, datetime.now(UTC), seed=seed)
        print(stand_in.url, flush=True)
        if port_file:
            port_file.write_text(stand_in.url.rpartition(":")[2])
        stopped.wait()


def _interruption() -> Event:
    """Set by whoever ends the program; to be asked for before anybody can know that it runs."""
    stopped = Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    typer.run(main)
