"""``emtiaz connect CRM``: make one account of a CRM known to an installation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import boto3
import typer

import connectors
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.secrets import from_text, secret_name, to_text
from chalicelib.core.connector import AccessToken, Connection, Secret
from chalicelib.core.errors import ConfigurationError
from chalicelib.core.model import CONNECTION_ID, Language
from chalicelib.pipeline.local_access import local_access
from chalicelib.policy import compile_policy, version_of
from infra.cli.authorization import REDIRECT_URL
from infra.cli.console import ask, confirm, note, read_lines, say, show_json
from infra.cli.crm_app import app_files, write_files
from infra.cli.events import new_secret
from infra.cli.grant import Question, granted_secret
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
            help="Policy to score by: a file, or the name of a shipped one.",
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
        typer.Option(
            help="Where OAuth returns to: makes the app use it. Repeatable.",
            show_default=f"with --oauth {REDIRECT_URL}",
        ),
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
    oauth: Annotated[
        bool, typer.Option("--oauth", help="Ask an admin of the account, instead of for a token.")
    ] = False,
    stdin: Annotated[
        bool,
        typer.Option(
            "--stdin",
            help="Read token and webhook secret from two lines; with --oauth client id, client "
            "secret and code from three.",
        ),
    ] = False,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Connect one CRM account, and score it by a policy.

    The access token and the secret that signs webhooks are asked for, or taken from
    EMTIAZ_TOKEN and EMTIAZ_WEBHOOK_SECRET; with --oauth the app's id and secret, or
    EMTIAZ_CLIENT_ID and EMTIAZ_CLIENT_SECRET. Never from the command line, which others can read.
    """
    installation = Installation.find(stage)
    wanted = _wanted(crm, connection or f"{crm}-main", base_url, api_version)
    address = installation.webhook_url(wanted.id)
    redirects = redirect_url or ([REDIRECT_URL] if oauth else [])
    declared = redirects if project or not oauth else []  # by an app that is not written here
    files = partial(app_files, crm, address, project, webhooks_file, declared)
    if prepare:
        if not project and not webhooks_file:
            raise typer.BadParameter("nothing to write: name --project or --webhooks-file")
        write_files(files(_unfitted_page(installation, wanted, policy)), dry_run=dry_run)
        return
    older = tuple(map(str, also_accept or ()))
    if oauth:
        attributes = compile_policy(_unfitted_page(installation, wanted, policy)).attributes
        asked = Question(wanted, attributes, project, redirects[0])
        secret, token = granted_secret(asked, address, stdin=stdin)
    else:
        secret, token = _secret(address, stdin=stdin), None
    secret = replace(secret, signatures=older)
    found = _look(wanted, secret, token)
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
        token, webhook_secret = read_lines(2)
    else:
        token = ask("EMTIAZ_TOKEN", "Access token")
        webhook_secret = ask("EMTIAZ_WEBHOOK_SECRET", "Secret that signs the webhooks")
    if not token or not webhook_secret:
        raise typer.BadParameter(
            "an access token and a webhook secret are needed: set EMTIAZ_TOKEN and "
            "EMTIAZ_WEBHOOK_SECRET, or say --stdin"
        )
    return Secret(url=url, webhook_secrets=(webhook_secret,), token=token)


def _look(wanted: Connection, secret: Secret, token: AccessToken | None) -> Connection:
    """What the CRM says of itself; the first use of the credentials."""
    access = local_access(secret, SystemClock(), token=token)
    account = connectors.load(wanted.crm).connect(wanted, secret, (), access).account()
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
    """None also of a connection that was left half made, before its policy was published."""
    settings = installation.services.settings
    if found.id not in {connection.id for connection in settings.connections()}:
        return None
    try:
        return dict(settings.live(found.id).policy)
    except ConfigurationError:
        return None


def _shipped_for(found: Connection) -> Page:
    return read_page(SHIPPED) | {"currency": found.currency, "time_zone": found.time_zone}


def _put_into_force(installation: Installation, found: Connection, page: Page) -> None:
    """What is in force already is not published again: there is nothing to go back to then."""
    before = _in_force(installation, found)
    if before is not None and version_of(before) == version_of(page):
        return
    installation.services.settings.publish_policy(
        found.id, version_of(page), page, datetime.now(UTC), by=installation.who, note="connected"
    )


def _keep(installation: Installation, found: Connection, secret: Secret, page: Page) -> None:
    """The secret comes last: receive answers for a connection as soon as it has one."""
    settings = installation.services.settings
    settings.put_connection(found)
    _put_into_force(installation, found, page)
    name = secret_name(installation.stage, found.id)
    _put_secret(name, to_text(_with_kept(secret, name)))
    settings.resume(found.id)  # it may rest because its last grant was withdrawn


def _with_kept(secret: Secret, name: str) -> Secret:
    """With what shops sign with, and who is told what, which a new token does not take back."""
    client = boto3.client("secretsmanager")
    try:
        held = from_text(client.get_secret_value(SecretId=name)["SecretString"])
    except client.exceptions.ResourceNotFoundException:
        held = secret
    live = held.events_secrets or (new_secret(),)
    return replace(secret, events_secrets=live, outgoing=held.outgoing)


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
