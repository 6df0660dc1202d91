"""``emtiaz connect CRM``: make one account of a CRM known to an installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import connectors
from chalicelib.adapters.clock import SystemClock
from chalicelib.core.connector import AccessToken, Connection, CrmClient, Secret, Subscribes
from chalicelib.core.errors import ConfigurationError, Parked, Retryable
from chalicelib.core.model import CONNECTION_ID, Language
from chalicelib.core.policy import Attribute
from chalicelib.pipeline.local_access import local_access
from chalicelib.pipeline.reconcile import SILENT
from chalicelib.policy import compile_policy, version_of
from infra.cli.authorization import REDIRECT_URL, is_loopback
from infra.cli.console import confirm, note, say, show_json
from infra.cli.credentials import (
    agreed_secret,
    asked_secret,
    expected_certificates,
    held_secret,
    keep_secret,
)
from infra.cli.crm_app import Wish, app_files, next_step, write_files
from infra.cli.exits import Finding
from infra.cli.grant import Question, agreement
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, AsJson, DryRun, Stage, Yes
from infra.cli.policy_page import SHIPPED, Page, read_page
from infra.cli.subscriptions import subscribe


class OlderSignature(StrEnum):
    """Schemes that a CRM's best one replaced; they protect from less."""

    V1 = "v1"
    V2 = "v2"


def connect(  # noqa: PLR0913 - the options of a command
    *,
    crm: Annotated[str, typer.Argument(metavar="CRM", help="By its folder in connectors/.")],
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
        bool,
        typer.Option(
            "--prepare",
            help="Write these files and stop: needs no token yet. With --oauth and without files, "
            "print the scopes that a client has to have.",
        ),
    ] = False,
    also_accept: Annotated[
        list[OlderSignature] | None,
        typer.Option(help="Take an older kind of signature as well. Repeatable."),
    ] = None,
    client_certificate: Annotated[
        list[str] | None,
        typer.Option(
            help="Subject of the certificate that webhooks have to come with, at a domain with "
            "mutual TLS. Repeatable, and kept; an empty one asks for none again.",
        ),
    ] = None,
    oauth: Annotated[
        bool, typer.Option("--oauth", help="Ask an admin of the account, instead of for a token.")
    ] = False,
    stdin: Annotated[
        bool,
        typer.Option(
            "--stdin",
            help="Read token and webhook secret from two lines; with --oauth client id, client "
            "secret and code from three, of Salesforce the first two. Of a CRM that does not sign "
            "the token alone.",
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
    EMTIAZ_CLIENT_ID and EMTIAZ_CLIENT_SECRET, and EMTIAZ_CODE if there is a code already, as that
    of a self client; Salesforce has none, and with a private key as the secret takes EMTIAZ_USER,
    whom it works as. Never from the command line, which others can read. For a CRM that
    does not sign its webhooks a secret is made, which it is told to show.
    """
    installation = Installation.find(stage)
    wanted = _wanted(installation, crm, connection or f"{crm}-main", base_url, api_version)
    address = installation.webhook_url(wanted.id)
    redirects = redirect_url or ([REDIRECT_URL] if oauth else [])
    declared = redirects if project or not oauth else []  # by an app that is not written here
    files = partial(app_files, Wish(address, project, webhooks_file, declared))
    page = _unfitted_page(installation, wanted, policy)
    held = held_secret(installation.stage, wanted.id)
    asked = Question(wanted, compile_policy(page).attributes, project, (redirect_url or [""])[0])
    if prepare:
        if oauth and not project and not webhooks_file:
            say(",".join(scope for some in asked.scopes() for scope in some))
            return
        if not project and not webhooks_file:
            raise typer.BadParameter("nothing to write: name --project or --webhooks-file")
        write_files(files(page, wanted, held), dry_run=dry_run)
        return
    connector = connectors.load(crm)
    token = None
    if oauth:
        agreed = agreement(asked, stdin=stdin)
        is_settled = bool(base_url or wanted.account_id)  # said, or found out before
        place = wanted.base_url if is_settled else agreed.connection.base_url
        wanted = replace(agreed.connection, base_url=place)
        secret, token = agreed_secret(connector, address, held, agreed), agreed.token
    else:
        secret = asked_secret(connector, address, held, stdin=stdin)
    secret = replace(
        secret,
        signatures=tuple(map(str, also_accept or ())),
        certificates=expected_certificates(client_certificate, held),
    )
    found = _look(wanted, secret, token)
    note(f"{crm} answers: account {found.account_id}, {found.currency}, {found.time_zone}")
    page = _page(installation, found, policy, language)
    to_write = files(page, found, secret)
    if dry_run:
        write_files(to_write, dry_run=True)
        return
    confirm(f"Connect it to stage {stage} as {found.id}?", yes=yes)
    _keep(installation, found, page)
    # Last, as receive answers for a connection as soon as it has a secret.
    keep_secret(installation.stage, found.id, secret, held)
    installation.services.settings.resume(found.id)  # it may rest since its grant was withdrawn
    write_files(to_write)
    client = _client(found, secret, token, compile_policy(page).attributes)
    installation.services.settings.set_checkpoint(found.id, SILENT, None)
    _have_ring(client)
    _tell(found, secret, client, as_json=as_json)


def _wanted(
    installation: Installation, crm: str, connection: str, base_url: str, api_version: str
) -> Connection:
    """What is known of the connection before the CRM is asked: all of it, if it was made before."""
    if crm not in connectors.names():
        known = ", ".join(connectors.names())
        raise typer.BadParameter(f"no connector {crm!r}; there are: {known}", param_hint="CRM")
    if not CONNECTION_ID.fullmatch(connection) or not connection.startswith(f"{crm}-"):
        raise typer.BadParameter(
            f"{connection!r} must be {crm}- and then small letters, digits or dashes",
            param_hint="--connection",
        )
    if base_url and not base_url.startswith("https://") and not is_loopback(base_url):
        raise typer.BadParameter(f"{base_url!r} must begin with https://", param_hint="--base-url")
    declared = connectors.load(crm)
    new = Connection(connection, crm, "", declared.base_url, "", "", "")
    made = {one.id: one for one in installation.services.settings.connections()}
    held = made.get(connection, new)
    return replace(
        held,
        base_url=base_url.rstrip("/") or held.base_url,
        api_version=api_version or declared.api_version,
    )


def _look(wanted: Connection, secret: Secret, token: AccessToken | None) -> Connection:
    """What the CRM says of itself; the first use of the credentials.

    Raises Finding for another account than the one whose cards the connection has.
    """
    account = _client(wanted, secret, token).account()
    if wanted.account_id not in ("", account.id):
        raise Finding(
            f"{wanted.id} is of account {wanted.account_id}, and this is {account.id}: "
            "name another --connection"
        )
    return replace(
        wanted,
        account_id=account.id,
        currency=account.currency,
        time_zone=account.time_zone,
        details={**wanted.details, **account.details},
    )


def _client(
    connection: Connection,
    secret: Secret,
    token: AccessToken | None,
    attributes: Sequence[Attribute] = (),
) -> CrmClient:
    access = local_access(secret, SystemClock(), token=token)
    return connectors.load(connection.crm).connect(connection, secret, attributes, access)


def _have_ring(client: CrmClient) -> None:
    """The connection stands by now, and whatever fails here is tried again without us."""
    try:
        subscribe(client)
    except (Retryable, Parked) as error:
        note(f"it does not ring yet, which is tried again every quarter of an hour: {error}")


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


def _keep(installation: Installation, found: Connection, page: Page) -> None:
    installation.services.settings.put_connection(found)
    _put_into_force(installation, found, page)


def _tell(found: Connection, secret: Secret, client: CrmClient, *, as_json: bool) -> None:
    if as_json:
        show_json({"connection": found.id, "account": found.account_id, "webhooks": secret.url})
    elif isinstance(client, Subscribes):
        say(f"connected {found.id}; next: emtiaz provision --connection {found.id}")
    else:
        say(f"connected {found.id}; {next_step(found.crm, secret.url)}")
