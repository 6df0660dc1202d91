"""``emtiaz connect --oauth``: from an admin's agreement to what a connection keeps of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import typer

from chalicelib.core.connector import AccessToken, Connection, Secret
from chalicelib.core.policy import Attribute
from infra.cli.authorization import ask_for_code, is_loopback
from infra.cli.console import ask, note, read_lines
from infra.cli.exits import Finding


@dataclass(frozen=True, slots=True)
class Question:
    """What an account is asked for; ``project`` is the folder of its app, if that is known."""

    wanted: Connection
    attributes: Sequence[Attribute]
    project: Path | None
    redirect_url: str

    def module(self, name: str) -> ModuleType:
        """Of this CRM. Raises BadParameter if it has no OAuth."""
        try:
            return import_module(name.format(crm=self.wanted.crm))
        except ModuleNotFoundError as error:
            message = f"{self.wanted.crm} cannot be connected by OAuth"
            raise typer.BadParameter(message, param_hint="--oauth") from error

    def scopes(self) -> tuple[Sequence[str], Sequence[str]]:
        """Required and optional ones."""
        found: tuple[Sequence[str], Sequence[str]] = self.module(
            "infra.crm.{crm}.project"
        ).oauth_scopes(self.attributes, self.project)
        return found


def granted_secret(question: Question, url: str, *, stdin: bool) -> tuple[Secret, AccessToken]:
    """The secret of a connection whose webhooks go to ``url``, and its first access token.

    A CRM signs the webhooks of an app with the app's secret, unless EMTIAZ_WEBHOOK_SECRET says
    otherwise. Raises Finding if something required was not granted.
    """
    oauth = question.module("connectors.{crm}.oauth")
    required, optional = question.scopes()
    app, code = _credentials(question, oauth, stdin=stdin)
    if not code:
        page = partial(oauth.authorize_url, question.wanted, app, required, optional)
        code = ask_for_code(page, question.redirect_url)
    granted = oauth.exchange(question.wanted, app, code, datetime.now(UTC))
    _tell_missing(required, optional, granted.scopes)
    webhook_secret = os.environ.get("EMTIAZ_WEBHOOK_SECRET") or app.client_secret
    secret = Secret(url, webhook_secrets=(webhook_secret,), token="", oauth=granted.grant)
    return secret, granted.token


def _credentials(question: Question, oauth: ModuleType, *, stdin: bool) -> tuple[Any, str]:
    """The app, and the code if somebody has fetched it already."""
    if stdin:
        client_id, client_secret, code = read_lines(3)
    else:
        client_id = ask("EMTIAZ_CLIENT_ID", "Client id of the app")
        client_secret, code = ask("EMTIAZ_CLIENT_SECRET", "Client secret of the app"), ""
    if not client_id or not client_secret or (stdin and not code):
        raise typer.BadParameter(
            "the app's client id and client secret are needed: set EMTIAZ_CLIENT_ID and "
            "EMTIAZ_CLIENT_SECRET, or give them and a code in three lines with --stdin"
        )
    if not code and not is_loopback(question.redirect_url):
        raise typer.BadParameter(
            f"{question.redirect_url} does not lead back here: copy the code from where it leads, "
            "and use --stdin",
            param_hint="--redirect-url",
        )
    return oauth.App(client_id, client_secret, question.redirect_url), code


def _tell_missing(
    required: Sequence[str], optional: Sequence[str], granted: Collection[str]
) -> None:
    if lacking := [scope for scope in required if scope not in granted]:
        raise Finding(f"the account did not grant {', '.join(lacking)}; nothing was connected")
    if left_out := [scope for scope in optional if scope not in granted]:
        note(f"the account has no {', '.join(left_out)}; what depends on it is left out")
