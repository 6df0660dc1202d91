"""``emtiaz events``: the secrets that shops and apps sign with what they send to ``/events``."""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import replace
from typing import Annotated

import typer

from chalicelib.core.connector import Secret
from infra.cli.console import confirm, note, show_json, show_table
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage, Yes

MOST_LIVE = 2
SECRET_BYTES = 32

app = typer.Typer(
    name="events", help="What shops and apps send, and its secrets.", no_args_is_help=True
)


@app.command("secret")
def show_secret(
    *,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """Show where a shop sends its events and the secrets it may sign with, newest first.

    Whoever has one can give points: keep it on a server, and out of browsers and apps.
    """
    installation = Installation.find(stage)
    held = installation.services.secrets.get(connection, fresh=True)
    _show(installation, connection, held, as_json=as_json)


@app.command()
def rotate(
    *,
    connection: Connection = THE_ONLY_ONE,
    finish: Annotated[
        bool, typer.Option("--finish", help="Take the older secret back, and make no new one.")
    ] = False,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a secret for events, beside the newest that there is; both are good from now on.

    Give the new one to all who send, and then say --finish.
    """
    installation = Installation.find(stage)
    held = installation.services.secrets.get(connection, fresh=True)
    before = held.events_secrets
    after = before[:1] if finish else (new_secret(), *before[: MOST_LIVE - 1])
    gone = len(set(before) - set(after))
    told = f"{len(after)} live from then on, {gone} taken back"
    if dry_run:
        note(f"{'no new secret' if finish else 'a new secret'}; {told}")
        return
    if gone:
        confirm(f"{told}: whoever signs with an older one is refused. Go on?", yes=yes)
    kept = replace(held, events_secrets=after)
    installation.keep_secret(connection, kept)
    _show(installation, connection, kept, as_json=as_json)


def new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _show(installation: Installation, connection: str, held: Secret, *, as_json: bool) -> None:
    address = installation.webhook_url(connection).replace("/hooks/", "/events/")
    if as_json:
        live = list(held.events_secrets)
        show_json({"connection": connection, "address": address, "secrets": [*live]})
        return
    rows = [("address", address), *(("secret", one) for one in held.events_secrets)]
    show_table(("", ""), rows)
