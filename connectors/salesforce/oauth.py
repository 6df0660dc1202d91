"""Salesforce's OAuth for a server: an app that works as one user, without anybody's agreement.

With *client credentials* the organisation says in the app's policy whose work it does; with a *JWT
bearer* the app names a user who was approved for it, and proves itself by a private key. Neither
gives a refresh token. A grant of the first kind has none; one of the second has the private key for
its client secret, and the name of the user in place of a refresh token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from chalicelib.core.connector import AccessToken, Connection, OAuthGrant, Secret
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable
from connectors._http import Refused, submit_form
from connectors.salesforce.ids import same
from connectors.salesforce.jwt_bearer import assertion, is_private_key
from connectors.salesforce.limits import BUSY

LIVES = timedelta(minutes=30)
"""Of a token, of which no end is told: as long as the organisation lets a session rest, which is
two hours unless it says otherwise, and a quarter of an hour at the least. One that ends sooner is
replaced when it is refused."""

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

DOMAINS = (
    ".my.salesforce.com", ".my.salesforce.mil", ".my.salesforce-setup.com", ".my.sfcrmproducts.cn",
)  # fmt: skip
"""Where the My Domain of an organisation is; nothing of ours is sent anywhere else."""

_PASSING = frozenset({
    "unknown_error", "server_error", "temporarily_unavailable", "rate_limit_exceeded",
})  # fmt: skip
"""With 400 like what is wrong for good; Salesforce's sentence beside the first is *retry your
request*."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_FOR_TESTS = (".sandbox.", ".scratch.")
"""In the My Domain of what has its users in the second of Salesforce's worlds."""

_CODE = re.compile(r"[A-Za-z_]{1,60}")
_ORGANISATION = re.compile(r"/id/([A-Za-z0-9]{15,18})/")


@dataclass(frozen=True, slots=True)
class Granted:
    """``scopes`` are those that the app was given."""

    grant: OAuthGrant = field(repr=False)
    token: AccessToken = field(repr=False)
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class App:
    """``user`` is whose work it does, of an app whose ``client_secret`` is a private key."""

    client_id: str
    client_secret: str = field(repr=False)
    user: str = ""


def granted(connection: Connection, app: App, now: datetime) -> Granted:
    """The first token of an app. Raises CredentialsInvalid, Retryable."""
    grant = OAuthGrant(app.client_id, app.client_secret, app.user)
    answer = _submit(connection, grant, now)
    scopes = frozenset(str(answer.get("scope", "")).split())
    return Granted(grant, _token(connection, answer, grant, now), scopes)


def refresher(
    connection: Connection, secret: Secret, now: Callable[[], datetime]
) -> Callable[[str], AccessToken]:
    """Makes access tokens; see ``Access.token``."""

    def refresh(_user: str) -> AccessToken:
        if secret.oauth is None:
            raise CredentialsInvalid("this connection has a static token, and no grant")
        at = now()
        return _token(connection, _submit(connection, secret.oauth, at), secret.oauth, at)

    return refresh


def _submit(connection: Connection, grant: OAuthGrant, now: datetime) -> Mapping[str, Any]:
    url = f"{_trusted(connection.base_url)}/services/oauth2/token"
    try:
        answer: Mapping[str, Any] = submit_form(url, _form(connection, grant, now), BUSY)
    except Refused as refusal:
        is_passing = _code(refusal) in _PASSING
        raise (CrmUnavailable if is_passing else CredentialsInvalid)(_reason(refusal)) from None
    return answer


def _form(connection: Connection, grant: OAuthGrant, now: datetime) -> Mapping[str, str]:
    if is_private_key(grant.client_secret):
        audience = _audience(connection.base_url)
        user = grant.refresh_token
        made = assertion(grant.client_id, user, audience, grant.client_secret, now)
        return {"grant_type": JWT_BEARER, "assertion": made}
    return {
        "grant_type": "client_credentials",
        "client_id": grant.client_id,
        "client_secret": grant.client_secret,
    }


def _trusted(base_url: str) -> str:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in _LOOPBACK or (parts.scheme == "https" and host.endswith(DOMAINS)):
        return base_url.rstrip("/")
    raise CredentialsInvalid(
        f"{host or base_url!r} is no My Domain: say --base-url https://YOURS.my.salesforce.com"
    )


def _audience(base_url: str) -> str:
    """Which of Salesforce's two worlds the organisation is in; a stand-in is its own."""
    host = urlsplit(base_url).hostname or ""
    if host in _LOOPBACK:
        return base_url.rstrip("/")
    is_for_tests = any(part in host for part in _FOR_TESTS)
    return f"https://{'test' if is_for_tests else 'login'}.salesforce.com"


def _reason(refusal: Refused) -> str:
    """By Salesforce's codes alone, for its sentences may quote what was sent."""
    text = f"Salesforce refuses the app or its user: {refusal} {_code(refusal)}"
    return text.rstrip()


def _code(refusal: Refused) -> str:
    body = refusal.body if isinstance(refusal.body, dict) else {}
    told = str(body.get("error", ""))
    return told if _CODE.fullmatch(told) else ""


def _token(
    connection: Connection, answer: Mapping[str, Any], grant: OAuthGrant, now: datetime
) -> AccessToken:
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str):
        raise CrmUnavailable("Salesforce's answer holds no access token")
    _check_organisation(connection, str(answer.get("id", "")))
    return AccessToken(token, now + LIVES, grant.refresh_token)


def _check_organisation(connection: Connection, identity_url: str) -> None:
    """A sandbox that was refreshed is another organisation, under a name that may be the same."""
    found = _ORGANISATION.search(identity_url)
    if found and connection.account_id and not same(found[1], connection.account_id):
        raise CredentialsInvalid(
            f"the app is of organisation {found[1]}, and the connection of {connection.account_id}"
        )
