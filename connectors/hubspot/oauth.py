"""HubSpot's OAuth: the page where an admin agrees, and the tokens that come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.core.connector import AccessToken, Connection, OAuthGrant, Secret
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable
from connectors._http import Refused, submit_form
from connectors.hubspot.limits import BUSY

API = "https://api.hubapi.com"
PAGES = "https://app.hubspot.com"
"""Where people look at what ``API`` serves; of an account in Europe it sends them on itself."""

WITHDRAWN = "BAD_REFRESH_TOKEN"

_CODE = re.compile(r"[A-Za-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Granted:
    """What an admin's agreement gave. ``scopes`` may be fewer than were asked for."""

    grant: OAuthGrant = field(repr=False)
    token: AccessToken = field(repr=False)
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class App:
    """As HubSpot knows the app, and where it sends an admin back to."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str


def authorize_url(
    connection: Connection, app: App, scopes: Sequence[str], optional: Sequence[str], state: str
) -> str:
    """The page to send an admin to; ``scopes`` are all that the app requires."""
    query = {
        "client_id": app.client_id,
        "redirect_uri": app.redirect_url,
        "scope": " ".join(scopes),
        "optional_scope": " ".join(optional),
        "state": state,
    }
    given = {name: value for name, value in query.items() if value}
    pages = PAGES if connection.base_url == API else connection.base_url
    return f"{pages}/oauth/authorize?{urlencode(given, quote_via=quote)}"


def exchange(connection: Connection, app: App, code: str, now: datetime) -> Granted:
    """What a code stands for; it can be asked once. Raises CredentialsInvalid, Retryable."""
    form = {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uri": app.redirect_url,
        "code": code,
    }
    answer = _submit(connection, "token", form)
    token = _token(answer, "", now)
    grant = OAuthGrant(app.client_id, app.client_secret, token.refresh_token)
    return Granted(grant, token, _scopes(connection, app, answer))


def refresher(
    connection: Connection, secret: Secret, now: Callable[[], datetime]
) -> Callable[[str], AccessToken]:
    """Makes access tokens of refresh tokens; see ``Access.token``."""

    def refresh(refresh_token: str) -> AccessToken:
        if secret.oauth is None:
            raise CredentialsInvalid("this connection has a static token, and no grant")
        form = {
            "grant_type": "refresh_token",
            "client_id": secret.oauth.client_id,
            "client_secret": secret.oauth.client_secret,
            "refresh_token": refresh_token,
        }
        return _token(_submit(connection, "token", form), refresh_token, now())

    return refresh


def _submit(connection: Connection, what: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    url = f"{connection.base_url.rstrip('/')}/oauth/{connection.api_version}/{what}"
    try:
        answer: Mapping[str, Any] = submit_form(url, form, BUSY)
    except Refused as refusal:
        raise CredentialsInvalid(_reason(refusal)) from None
    return answer


def _reason(refusal: Refused) -> str:
    """By HubSpot's codes alone, for its sentences may quote what was sent."""
    body = refusal.body if isinstance(refusal.body, dict) else {}
    told = [str(body.get(name, "")) for name in ("status", "error")]
    codes = [one for one in told if _CODE.fullmatch(one)]
    if WITHDRAWN in codes:
        return "the account has withdrawn its grant"
    return f"HubSpot refuses the app or its grant: {refusal} {' '.join(codes)}".rstrip()


def _token(answer: Mapping[str, Any], refresh_token: str, now: datetime) -> AccessToken:
    try:
        return AccessToken(
            token=str(answer["access_token"]),
            expires_at=now + timedelta(seconds=float(answer["expires_in"])),
            refresh_token=str(answer.get("refresh_token") or refresh_token),
        )
    except (KeyError, TypeError, ValueError):
        raise CrmUnavailable("HubSpot's answer holds no access token") from None


def _scopes(connection: Connection, app: App, answer: Mapping[str, Any]) -> frozenset[str]:
    """As the answer tells, or as HubSpot does when it is asked what the token may do."""
    told = answer.get("scopes")
    if told is None:
        form = {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "token_type_hint": "access_token",
            # The guide names the member after the hint, the description "token".
            "access_token": str(answer["access_token"]),
            "token": str(answer["access_token"]),
        }
        told = _submit(connection, "token/introspect", form).get("scopes", ())
    return frozenset(str(one) for one in told)
