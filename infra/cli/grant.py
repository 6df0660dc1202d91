"""``emtiaz connect --oauth``: from an admin's agreement to what a connection keeps of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import typer

from chalicelib.core.connector import AccessToken, Connection, OAuthGrant
from chalicelib.core.policy import Attribute
from infra.cli.authorization import REDIRECT_URL, ask_for_answer, is_loopback
from infra.cli.console import ask, note, read_lines
from infra.cli.exits import Finding


@dataclass(frozen=True, slots=True)
class Question:
    """What an account is asked for; ``project`` is the folder of its app, if that is known.

    ``redirect_url`` is empty where nobody named one.
    """

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

    @property
    def asks(self) -> ModuleType:
        """Knows what is asked for."""
        return self.module("infra.crm.{crm}.project")

    def scopes(self) -> tuple[Sequence[str], Sequence[str]]:
        """Required and optional ones."""
        found: tuple[Sequence[str], Sequence[str]] = self.asks.oauth_scopes(
            self.attributes, self.project
        )
        return found

    def lacking(self, scopes: Sequence[str], granted: Collection[str]) -> Sequence[str]:
        """What was not granted; a CRM where one scope may stand for others knows better."""
        if hasattr(self.asks, "lacking"):
            found: Sequence[str] = self.asks.lacking(scopes, granted)
            return found
        return [scope for scope in scopes if scope not in granted]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What an account agreed to; ``connection`` says where that account turned out to be."""

    connection: Connection
    grant: OAuthGrant
    token: AccessToken


def agreement(question: Question, *, stdin: bool) -> Agreed:
    """Raises Finding if something required was not granted.

    The page sends its answer back to this machine, unless somebody has fetched a code already. A
    CRM with several data centres says in its answers which one has the account.
    """
    oauth = question.module("connectors.{crm}.oauth")
    if hasattr(oauth, "granted"):
        return _of_itself(question, oauth, stdin=stdin)
    required, optional = question.scopes()
    client_id, client_secret, code = _credentials(stdin=stdin)
    app = oauth.App(client_id, client_secret, *_redirect(question, oauth, code))
    wanted = question.wanted
    if not code:
        page = partial(oauth.authorize_url, wanted, app, required, optional)
        answer = ask_for_answer(page, app.redirect_url)
        wanted = oauth.located(wanted, answer) if hasattr(oauth, "located") else wanted
        code = answer["code"]
    granted = oauth.exchange(wanted, app, code, datetime.now(UTC))
    _tell_missing(
        question.lacking(required, granted.scopes), question.lacking(optional, granted.scopes)
    )
    base_url = getattr(granted, "base_url", "") or wanted.base_url
    return Agreed(replace(wanted, base_url=base_url), granted.grant, granted.token)


def _of_itself(question: Question, oauth: ModuleType, *, stdin: bool) -> Agreed:
    """The app of an account works there without anybody's agreement, as a user of its own."""
    if stdin:
        client_id, client_secret = read_lines(2)
    else:
        client_id, client_secret = _asked_for_app()
    if not client_id or not client_secret:
        raise typer.BadParameter(
            "the app's client id and client secret are needed: set EMTIAZ_CLIENT_ID and "
            "EMTIAZ_CLIENT_SECRET, or give them in two lines with --stdin"
        )
    app = oauth.App(client_id, client_secret, os.environ.get("EMTIAZ_USER", ""))
    granted = oauth.granted(question.wanted, app, datetime.now(UTC))
    required, optional = question.scopes()
    _tell_missing(
        question.lacking(required, granted.scopes), question.lacking(optional, granted.scopes)
    )
    return Agreed(question.wanted, granted.grant, granted.token)


def _asked_for_app() -> tuple[str, str]:
    return (
        ask("EMTIAZ_CLIENT_ID", "Client id of the app"),
        ask("EMTIAZ_CLIENT_SECRET", "Client secret of the app"),
    )


def _credentials(*, stdin: bool) -> tuple[str, str, str]:
    """Of the app its id and secret, and the code if somebody has fetched it already."""
    if stdin:
        client_id, client_secret, code = read_lines(3)
    else:
        client_id, client_secret = _asked_for_app()
        code = os.environ.get("EMTIAZ_CODE", "")
    if not client_id or not client_secret or (stdin and not code):
        raise typer.BadParameter(
            "the app's client id and client secret are needed: set EMTIAZ_CLIENT_ID and "
            "EMTIAZ_CLIENT_SECRET, or give them and a code in three lines with --stdin"
        )
    return client_id, client_secret, code


def _redirect(question: Question, oauth: ModuleType, code: str) -> tuple[str, ...]:
    """Where the page sends people back to; nothing for a code that no page has sent.

    Those are of self clients, which some CRMs have: there an app may do without.
    """
    if code and not question.redirect_url:
        may_lack = any(
            one.name == "redirect_url" and one.default == "" for one in fields(oauth.App)
        )
        return () if may_lack else (REDIRECT_URL,)
    redirect_url = question.redirect_url or REDIRECT_URL
    if not code and not is_loopback(redirect_url):
        raise typer.BadParameter(
            f"{redirect_url} does not lead back here: copy the code from where it leads, "
            "and use --stdin",
            param_hint="--redirect-url",
        )
    return (redirect_url,)


def _tell_missing(required: Sequence[str], optional: Sequence[str]) -> None:
    if required:
        raise Finding(f"the account did not grant {', '.join(required)}; nothing was connected")
    if optional:
        note(f"the account has no {', '.join(optional)}; what depends on it is left out")
