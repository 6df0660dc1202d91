"""Zoho's OAuth: the page where an admin agrees, and the tokens that come of it.

Every data centre has an accounts server of its own, which alone knows the grants that it gave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from chalicelib.core.connector import AccessToken, Connection, OAuthGrant, Secret
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable, RateLimited
from connectors._http import Refused, submit_form
from connectors._wire import Answer
from connectors.zoho.limits import BUSY, TOO_MANY

ACCOUNTS = "accounts"
"""The detail of a connection that names its accounts server."""

CLOUDS: Mapping[str, str] = {
    "zohoapis.com": "accounts.zoho.com",
    "zohoapis.eu": "accounts.zoho.eu",
    "zohoapis.in": "accounts.zoho.in",
    "zohoapis.com.au": "accounts.zoho.com.au",
    "zohoapis.com.cn": "accounts.zoho.com.cn",
    "zohoapis.jp": "accounts.zoho.jp",
    "zohoapis.ca": "accounts.zohocloud.ca",
    "zohoapis.sa": "accounts.zoho.sa",
    "zohoapis.uk": "accounts.zoho.uk",
    "zohoapis.ae": "accounts.zoho.ae",
}
"""The accounts server by the domain of the API, where nobody has told it."""

TOO_OFTEN = "Access Denied"
"""How the accounts server says that ten tokens in ten minutes are enough."""

TOO_OFTEN_FOR_S = 600.0
"""Asking again before that makes it last longer."""

WITHDRAWN = frozenset({"invalid_code", "invalid_grant", "access_denied"})
REFUSALS = WITHDRAWN | {
    "invalid_client", "invalid_client_secret", "invalid_redirect_uri", "unauthorized_client",
    "unsupported_grant_type", "invalid_scope",
}  # fmt: skip

_REFUSED = 400
_CODE = re.compile(r"[A-Za-z_ ]{1,60}")


@dataclass(frozen=True, slots=True)
class Granted:
    """What an admin's agreement gave. ``scopes`` may be fewer than were asked for.

    ``base_url`` is where the organisation's API is, whatever was thought before.
    """

    grant: OAuthGrant = field(repr=False)
    token: AccessToken = field(repr=False)
    scopes: frozenset[str]
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class App:
    """As Zoho knows the client. A self client sends nobody anywhere, and has no redirect URL."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str = ""


def accounts_server(connection: Connection) -> str:
    """As told when the organisation agreed, or as its API's domain has it.

    A stand-in is both.

    >>> eu = Connection("zoho-main", "zoho", "1", "https://sandbox.zohoapis.eu", "v8", "EUR", "UTC")
    >>> accounts_server(eu)
    'https://accounts.zoho.eu'
    """
    if told := connection.details.get(ACCOUNTS):
        return told.rstrip("/")
    host = urlsplit(connection.base_url).hostname or ""
    _, _, domain = host.partition(".")
    server = CLOUDS.get(domain)
    return f"https://{server}" if server else connection.base_url.rstrip("/")


def authorize_url(
    connection: Connection, app: App, scopes: Sequence[str], optional: Sequence[str], state: str
) -> str:
    """The page to send an admin to, who grants all or nothing."""
    query = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": app.redirect_url,
        "scope": ",".join([*scopes, *optional]),
        "access_type": "offline",
        # Without it a second agreement comes without a refresh token.
        "prompt": "consent",
        "state": state,
    }
    page = f"{accounts_server(connection)}/oauth/v2/auth"
    return f"{page}?{urlencode(query, quote_via=quote)}"


def located(connection: Connection, answer: Mapping[str, str]) -> Connection:
    """With the accounts server that the page's answer names, which has the organisation.

    What it names is given the client's secret, so nobody is believed but a server of Zoho's.
    """
    told = answer.get("accounts-server", "").rstrip("/")
    if told not in {f"https://{server}" for server in CLOUDS.values()}:
        return connection
    return replace(connection, details={**connection.details, ACCOUNTS: told})


def exchange(connection: Connection, app: App, code: str, now: datetime) -> Granted:
    """What a code stands for; it can be asked once. Raises CredentialsInvalid, Retryable."""
    form = {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        **({"redirect_uri": app.redirect_url} if app.redirect_url else {}),
        "code": code,
    }
    answer = _submit(connection, form)
    token = _token(answer, "", now)
    if not token.refresh_token:
        raise CredentialsInvalid("Zoho gave no refresh token; agree again, with a new code")
    grant = OAuthGrant(app.client_id, app.client_secret, token.refresh_token)
    scopes = frozenset(re.split(r"[ ,]+", str(answer.get("scope", "")).strip())) - {""}
    return Granted(grant, token, scopes, str(answer.get("api_domain") or ""))


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
        return _token(_submit(connection, form), refresh_token, now())

    return refresh


def _submit(connection: Connection, form: Mapping[str, str]) -> Mapping[str, Any]:
    url = f"{accounts_server(connection)}/oauth/v2/token"
    try:
        answer: Mapping[str, Any] = submit_form(url, form, BUSY, _status)
    except RateLimited as busy:
        wait = busy.retry_after or TOO_OFTEN_FOR_S
        raise RateLimited(str(busy), retry_after=wait) from None
    except Refused as refusal:
        raise CredentialsInvalid(_reason(refusal)) from None
    return answer


def _status(answer: Answer) -> int:
    """Errors come with 200 as well as with 400, and among the latter is asking too often."""
    error = _error(answer.body)
    if error == TOO_OFTEN:
        return TOO_MANY
    return _REFUSED if error in REFUSALS else answer.status


def _error(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, str) else ""


def _reason(refusal: Refused) -> str:
    """By Zoho's codes alone, for its sentences may quote what was sent."""
    error = _error(refusal.body)
    if error in WITHDRAWN:
        return (
            "the organisation has withdrawn its grant, or the code was used, is too old or is of "
            "another data centre"
        )
    code = error if _CODE.fullmatch(error) else ""
    return f"Zoho refuses the client or its grant: {refusal} {code}".rstrip()


def _token(answer: Mapping[str, Any], refresh_token: str, now: datetime) -> AccessToken:
    try:
        return AccessToken(
            token=str(answer["access_token"]),
            expires_at=now + timedelta(seconds=float(answer["expires_in"])),
            refresh_token=str(answer.get("refresh_token") or refresh_token),
        )
    except (KeyError, TypeError, ValueError):
        raise CrmUnavailable("Zoho's answer holds no access token") from None
