"""What a connection is trusted by: asked for, made here, or kept from before."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import replace

import boto3
import typer

from chalicelib.adapters.secrets import from_text, secret_name, to_text
from chalicelib.core.connector import Connector, Secret
from infra.cli.console import ask, read_lines
from infra.cli.events import new_secret
from infra.cli.grant import Agreed

WEBHOOK_SECRET = "EMTIAZ_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
MADE_OF_BYTES = 24
"""Of randomness in a secret of ours, which has 32 characters then."""


def asked_secret(connector: Connector, url: str, held: Secret | None, *, stdin: bool) -> Secret:
    """A static token, and what the CRM signs with, or else what we have it show."""
    if stdin:
        token, *given = read_lines(2 if connector.signs else 1)
    else:
        token = ask("EMTIAZ_TOKEN", "Access token")
        given = [ask(WEBHOOK_SECRET, "Secret that signs the webhooks")] if connector.signs else []
    if not token or not all(given):
        needed = "an access token and a webhook secret are" if connector.signs else "a token is"
        raise typer.BadParameter(
            f"{needed} needed: set EMTIAZ_TOKEN{f' and {WEBHOOK_SECRET}' * connector.signs}, "
            "or say --stdin; or connect with --oauth"
        )
    return Secret(url, tuple(given) or _shown_secrets(held), token)


def agreed_secret(connector: Connector, url: str, held: Secret | None, agreed: Agreed) -> Secret:
    """A CRM that signs does so with the app's secret, unless EMTIAZ_WEBHOOK_SECRET says else."""
    if connector.signs:
        signing: tuple[str, ...] = (os.environ.get(WEBHOOK_SECRET) or agreed.grant.client_secret,)
    else:
        signing = _shown_secrets(held)
    return Secret(url, signing, token="", oauth=agreed.grant)


def _shown_secrets(held: Secret | None) -> tuple[str, ...]:
    """Of a CRM that cannot sign: ours to make, and to keep, or what it knows would be refused."""
    if given := os.environ.get(WEBHOOK_SECRET):
        return (given,)
    return held.webhook_secrets if held else (secrets.token_urlsafe(MADE_OF_BYTES),)


def expected_certificates(named: Sequence[str] | None, held: Secret | None) -> tuple[str, ...]:
    """Those that were named, or else asked for before: no new token lifts what protects."""
    if named is None:
        return held.certificates if held else ()
    return tuple(filter(None, named))


def held_secret(stage: str, connection: str) -> Secret | None:
    client = boto3.client("secretsmanager")
    try:
        text = client.get_secret_value(SecretId=secret_name(stage, connection))["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return from_text(text)


def keep_secret(stage: str, connection: str, secret: Secret, held: Secret | None) -> None:
    """With what shops sign with, and who is told what, which a new token does not take back."""
    live = (held.events_secrets if held else ()) or (new_secret(),)
    outgoing = held.outgoing if held else ()
    text = to_text(replace(secret, events_secrets=live, outgoing=outgoing))
    client, name = boto3.client("secretsmanager"), secret_name(stage, connection)
    try:
        client.put_secret_value(SecretId=name, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=name, SecretString=text)
