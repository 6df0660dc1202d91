"""``emtiaz announce``: who gets the signed webhooks of a connection."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import uuid4

import typer

from chalicelib.adapters.addresses import allowed, fault
from chalicelib.adapters.outgoing import SignedWebhooks
from chalicelib.adapters.webhook_line import WebhookLine, resolve
from chalicelib.core.connector import Secret, WebhookEndpoint
from chalicelib.core.facts import iso
from chalicelib.core.model import Json
from chalicelib.core.outgoing import Unreachable
from infra.cli.console import confirm, note, say, show_json, show_table
from infra.cli.events import new_secret
from infra.cli.exits import Finding
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage, Yes

MOST_RECEIVERS = 5
"""Of one connection; each announcement that goes out by webhook is sent to all of them."""

MOST_LIVE = 2
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")

Name = Annotated[str, typer.Option(help="What to call the receiver, where there are several.")]

Loopback = Annotated[
    bool, typer.Option("--loopback", help="Of a rehearsal: let it be this machine.")
]

app = typer.Typer(name="announce", help="What is told to others.", no_args_is_help=True)
webhook = typer.Typer(
    name="webhook", help="Who gets signed webhooks of what is announced.", no_args_is_help=True
)
app.add_typer(webhook)


@webhook.command("list")
def list_receivers(
    *,
    connection: Connection = THE_ONLY_ONE,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Show the secrets as well, newest first.")
    ] = False,
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """List the receivers of a connection."""
    held = _held(Installation.find(stage), connection)
    if as_json:
        show_json([_row(one, secrets=secrets) for one in held.outgoing])
    else:
        show_table(
            ("name", "url", *(["secrets"] if secrets else [])),
            [(one.id, one.url, *_shown(one, secrets=secrets)) for one in held.outgoing],
        )


@webhook.command("set")
def set_receiver(  # noqa: PLR0913 - the options of a command
    *,
    url: Annotated[str, typer.Option(help="Where to send to: https, and out in the internet.")],
    name: Name = "main",
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new secret beside the present one.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Sign with the newest secret alone from now on.")
    ] = False,
    loopback: Loopback = False,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send announcements to a URL, and show the secret that they are signed with.

    During a rotation they are signed with both secrets; give the new one to the receiver, and then
    say --finish.
    """
    _check(url, name, loopback=loopback)
    installation = Installation.find(stage)
    held = _held(installation, connection)
    made = _made(held, url, name, rotate=rotate, finish=finish)
    others = tuple(one for one in held.outgoing if one.id != name)
    if len(others) >= MOST_RECEIVERS:
        raise Finding(f"there are {MOST_RECEIVERS} receivers already: remove one")
    if dry_run:
        note(f"{name} would get announcements at {url}")
        return
    installation.keep_secret(connection, replace(held, outgoing=(*others, made)))
    if as_json:
        show_json(_row(made, secrets=True))
    else:
        rows = [("name", made.id), ("url", made.url), *(("secret", one) for one in made.secrets)]
        show_table(("", ""), rows)


@webhook.command()
def remove(
    *,
    name: Name = "main",
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Send nothing to a receiver any more."""
    installation = Installation.find(stage)
    held = _held(installation, connection)
    gone = _named(held, name)
    if dry_run:
        note(f"{name} at {gone.url} would get nothing any more")
        return
    confirm(f"Send nothing to {gone.url} any more?", yes=yes)
    left = tuple(one for one in held.outgoing if one.id != name)
    installation.keep_secret(connection, replace(held, outgoing=left))
    note(f"{name} removed")


@webhook.command("test")
def send_test(
    *,
    name: Name = "main",
    loopback: Loopback = False,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send one signed webhook of the type test from this machine, and show what is answered."""
    endpoint = _named(_held(Installation.find(stage), connection), name)
    if dry_run:
        note(f"a test would be sent to {endpoint.url}")
        return
    id_, now = f"test_{uuid4().hex}", datetime.now(UTC)
    words: Json = {"en": "A test of Emtiaz", "fa": "آزمایش امتیاز"}
    told: dict[str, Json] = {"id": id_, "connection": connection, "kind": "test"}
    told["text"] = {"rep": words, "customer": words}
    body = {"type": "test", "timestamp": iso(now), "data": told}
    try:
        webhooks = SignedWebhooks(WebhookLine(loopback=loopback))
        answer = webhooks.send(endpoint, id_, json.dumps(body).encode(), now)
    except Unreachable as error:
        raise Finding(f"{name}: {error}") from error
    if as_json:
        show_json({"name": name, "id": id_, "status": answer.status})
    else:
        say(f"{name} answered {answer.status}")
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - the statuses that say that all went well
        raise Finding(f"{name} did not take it: announcements would be tried again for a day")


def _check(url: str, name: str, *, loopback: bool) -> None:
    """Also where the name of the host leads to today. Raises BadParameter."""
    if not _NAME.fullmatch(name):
        message = f"{name!r} must be small letters, digits or dashes, a letter first"
        raise typer.BadParameter(message, param_hint="--name")
    if wrong := fault(url, loopback=loopback) or _leads_inside(url, loopback=loopback):
        raise typer.BadParameter(wrong, param_hint="--url")


def _leads_inside(url: str, *, loopback: bool) -> str:
    host = urlsplit(url).hostname or ""
    try:
        found = [address for _, address in resolve(host, 443)]
    except (socket.gaierror, UnicodeError):
        return f"{host} cannot be resolved"
    is_fine = allowed(found, loopback=loopback)
    return "" if is_fine else f"{host} leads to no address of the internet"


def _made(held: Secret, url: str, name: str, *, rotate: bool, finish: bool) -> WebhookEndpoint:
    present = next((one.secrets for one in held.outgoing if one.id == name), ())
    if rotate:
        live = (new_secret(), *present[: MOST_LIVE - 1])
    else:
        live = present[:1] if finish else present
    return WebhookEndpoint(name, url, live or (new_secret(),))


def _held(installation: Installation, connection: str) -> Secret:
    return installation.services.secrets.get(connection, fresh=True)


def _named(held: Secret, name: str) -> WebhookEndpoint:
    for one in held.outgoing:
        if one.id == name:
            return one
    known = ", ".join(one.id for one in held.outgoing) or "none"
    raise typer.BadParameter(f"no receiver {name!r}; there are: {known}", param_hint="--name")


def _row(one: WebhookEndpoint, *, secrets: bool) -> dict[str, Json]:
    row: dict[str, Json] = {"name": one.id, "url": one.url}
    return row | ({"secrets": [*one.secrets]} if secrets else {})


def _shown(one: WebhookEndpoint, *, secrets: bool) -> list[str]:
    return [" ".join(one.secrets)] if secrets else []
