"""``emtiaz connect CRM``: make one account of a CRM known to an installation."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import boto3
import typer
from rich.prompt import Prompt

import connectors
from chalicelib.adapters.secrets import secret_name, to_text
from chalicelib.core.connector import Connection, Secret
from chalicelib.core.model import CONNECTION_ID
from chalicelib.policy import version_of
from infra.cli.console import ERR, confirm, note, say, show_json
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, AsJson, DryRun, Policy, Stage, Yes
from infra.cli.policy_page import SHIPPED, Page, read_page

_SERVERS = {"hubspot": ("https://api.hubapi.com", "2026-03")}
"""Address and API version to begin with; a CRM that is not here is asked for both."""


def connect(  # noqa: PLR0913 - the options of a command
    *,
    crm: Annotated[
        str, typer.Argument(metavar="CRM", help="hubspot, or another folder of connectors/.")
    ],
    connection: Annotated[str, typer.Option(help="Id to give it; by default CRM-main.")] = "",
    base_url: Annotated[str, typer.Option(help="Where the CRM's API answers.")] = "",
    api_version: Annotated[str, typer.Option(help="Version in the CRM's paths.")] = "",
    policy: Policy = SHIPPED,
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
    page = read_page(policy)
    wanted = _wanted(crm, connection or f"{crm}-main", base_url, api_version)
    secret = _secret(installation.webhook_url(wanted.id), stdin=stdin)
    found = _look(wanted, secret)
    note(f"{crm} answers: account {found.account_id}, {found.currency}, {found.time_zone}")
    if dry_run:
        return
    confirm(f"Connect it to stage {stage} as {found.id}?", yes=yes)
    _keep(installation, found, secret, page)
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
    address, version = _SERVERS.get(crm, ("", ""))
    server = (base_url or address, api_version or version)
    if not all(server):
        raise typer.BadParameter(f"{crm} needs --base-url and --api-version")
    return Connection(
        id=connection,
        crm=crm,
        account_id="",
        base_url=server[0],
        api_version=server[1],
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
        raise typer.BadParameter("an access token and a webhook secret are needed")
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
