"""``emtiaz connect CRM``: make one account of a CRM known to an installation."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import boto3
import typer
from rich.prompt import Prompt

import connectors
from chalicelib.adapters.secrets import secret_name, to_text
from chalicelib.core.connector import Connection, Secret
from chalicelib.core.model import CONNECTION_ID, Language
from chalicelib.policy import version_of
from infra.cli.console import ERR, confirm, note, say, show_json
from infra.cli.crm_app import app_files, write_files
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, AsJson, DryRun, Stage, Yes
from infra.cli.policy_page import SHIPPED, Page, read_page


class OlderSignature(StrEnum):
    """Schemes that a CRM's best one replaced; they protect from less."""

    V1 = "v1"
    V2 = "v2"


def connect(  # noqa: PLR0913 - the options of a command
    *,
    crm: Annotated[
        str, typer.Argument(metavar="CRM", help="hubspot, or another folder of connectors/.")
    ],
    connection: Annotated[str, typer.Option(help="Id to give it; by default CRM-main.")] = "",
    base_url: Annotated[str, typer.Option(help="Where the CRM's API answers.")] = "",
    api_version: Annotated[str, typer.Option(help="Version in the CRM's paths.")] = "",
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Policy to score by.",
            show_default="the one in force, or the shipped starter policy",
        ),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="Of the texts that are written into the CRM.")
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="Write the app that is uploaded to the CRM into this folder."),
    ] = None,
    redirect_url: Annotated[
        list[str] | None,
        typer.Option(help="Where OAuth returns to: makes the app use it. Repeatable."),
    ] = None,
    webhooks_file: Annotated[
        Path | None,
        typer.Option(help="Write the webhook subscriptions alone, for an app of your own."),
    ] = None,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Write these files and stop: needs no token yet.")
    ] = False,
    also_accept: Annotated[
        list[OlderSignature] | None,
        typer.Option(help="Take an older kind of signature as well. Repeatable."),
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read token and webhook secret from two lines.")
    ] = False,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Connect one CRM account, and score it by a policy.

    The access token and the secret that signs webhooks are asked for, or taken from
    EMTIAZ_TOKEN and EMTIAZ_WEBHOOK_SECRET; never from the command line, which others can read.
    """
    installation = Installation.find(stage)
    wanted = _wanted(crm, connection or f"{crm}-main", base_url, api_version)
    address = installation.webhook_url(wanted.id)
    files = partial(app_files, crm, address, project, webhooks_file, redirect_url or ())
    if prepare:
        if not project and not webhooks_file:
            raise typer.BadParameter("nothing to write: name --project or --webhooks-file")
        write_files(files(_unfitted_page(installation, wanted, policy)), dry_run=dry_run)
        return
    older = tuple(map(str, also_accept or ()))
    secret = replace(_secret(address, stdin=stdin), signatures=older)
    found = _look(wanted, secret)
    note(f"{crm} answers: account {found.account_id}, {found.currency}, {found.time_zone}")
    page = _page(installation, found, policy, language)
    to_write = files(page)
    if dry_run:
        write_files(to_write, dry_run=True)
        return
    confirm(f"Connect it to stage {stage} as {found.id}?", yes=yes)
    _keep(installation, found, secret, page)
    write_files(to_write)
    _tell(found, secret, as_json=as_json)


def _wanted(crm: str, connection: str, base_url: str, api_version: str) -> Connection:
    if crm not in connectors.names():
        known = ", ".join(connectors.names())
        raise typer.BadParameter(f"no connector {crm!r}; there are: {known}", param_hint="CRM")
    if not CONNECTION_ID.fullmatch(connection) or not connection.startswith(f"{crm}-"):
        raise typer.BadParameter(
            f"{connection!r} must be {crm}- and then small letters, digits or dashes",
            param_hint="--connection",
        )
    declared = connectors.load(crm)
    return Connection(
        id=connection,
        crm=crm,
        account_id="",
        base_url=base_url or declared.base_url,
        api_version=api_version or declared.api_version,
        currency="",
        time_zone="",
    )


def _secret(url: str, *, stdin: bool) -> Secret:
    if stdin:
        lines = [*sys.stdin.read().splitlines(), "", ""]
        token, webhook_secret = lines[0].strip(), lines[1].strip()
    else:
        token = _ask("EMTIAZ_TOKEN", "Access token")
        webhook_secret = _ask("EMTIAZ_WEBHOOK_SECRET", "Secret that signs the webhooks")
    if not token or not webhook_secret:
        raise typer.BadParameter(
            "an access token and a webhook secret are needed: set EMTIAZ_TOKEN and "
            "EMTIAZ_WEBHOOK_SECRET, or say --stdin"
        )
    return Secret(url=url, webhook_secrets=(webhook_secret,), token=token)


def _ask(variable: str, question: str) -> str:
    given = os.environ.get(variable, "")
    if given or not ERR.is_terminal:
        return given
    return Prompt.ask(question, password=True, console=ERR)


def _look(wanted: Connection, secret: Secret) -> Connection:
    """What the CRM says of itself; the first use of the credentials."""
    account = connectors.load(wanted.crm).connect(wanted, secret, ()).account()
    return replace(
        wanted,
        account_id=account.id,
        currency=account.currency,
        time_zone=account.time_zone,
    )


def _page(
    installation: Installation, found: Connection, policy: Path | None, language: Language | None
) -> Page:
    """The policy that was named, else the one in force, else the shipped one.

    The shipped one is made to fit: its sums are in the account's currency, and its days
    begin where the account is.
    """
    page = read_page(policy) if policy else _in_force(installation, found) or _shipped_for(found)
    return page | ({"language": language} if language else {})


def _unfitted_page(installation: Installation, wanted: Connection, policy: Path | None) -> Page:
    """The same, for what needs no more of it than its attributes."""
    return read_page(policy) if policy else _in_force(installation, wanted) or read_page(SHIPPED)


def _in_force(installation: Installation, found: Connection) -> Page | None:
    settings = installation.services.settings
    if found.id not in {connection.id for connection in settings.connections()}:
        return None
    return dict(settings.live(found.id).policy)


def _shipped_for(found: Connection) -> Page:
    return read_page(SHIPPED) | {"currency": found.currency, "time_zone": found.time_zone}


def _keep(installation: Installation, found: Connection, secret: Secret, page: Page) -> None:
    """The secret comes last: receive answers for a connection as soon as it has one."""
    settings = installation.services.settings
    settings.put_connection(found)
    settings.publish_policy(found.id, version_of(page), page, datetime.now(UTC))
    _put_secret(secret_name(installation.stage, found.id), to_text(secret))


def _put_secret(name: str, text: str) -> None:
    client = boto3.client("secretsmanager")
    try:
        client.put_secret_value(SecretId=name, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=name, SecretString=text)


def _tell(found: Connection, secret: Secret, *, as_json: bool) -> None:
    if as_json:
        show_json({"connection": found.id, "account": found.account_id, "webhooks": secret.url})
    else:
        say(f"connected {found.id}; enter this address for webhooks: {secret.url}")
