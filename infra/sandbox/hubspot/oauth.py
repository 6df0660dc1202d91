"""OAuth 2 by authorization code: codes, grants, access tokens that end, and who refreshed them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import epoch_ms, spell
from infra.sandbox.hubspot.errors import ApiError, invalid
from infra.sandbox.hubspot.scopes import OPTIONAL, REQUIRED

ROTATIONS = ("none", "graceful", "strict")
CODE_LIFE = timedelta(minutes=1)
_INSTALLER = 77
_TOKEN_BYTES = 300  # HubSpot's grow; 400 characters are more than a narrow column takes


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """``scopes`` must all be asked for; ``optional_scopes`` may be.

    ``unavailable_scopes`` are those that the account's subscription lacks: a required one
    stops the installation, an optional one is left out without a word. Without
    ``redirect_urls`` any address will do.
    """

    app_id: int = 54321
    client_id: str = "stand-in-client"
    client_secret: str = "stand-in-client-secret"  # noqa: S105 - opens nothing but this stand-in
    scopes: tuple[str, ...] = REQUIRED
    optional_scopes: tuple[str, ...] = OPTIONAL
    unavailable_scopes: tuple[str, ...] = ()
    redirect_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """How long access tokens live, and whether a refresh gives a new refresh token.

    ``graceful`` keeps the old one until the new one is used, ``strict`` ends it at once.
    HubSpot is not known to rotate, and asks to be ready for it.
    """

    expires_in: int = 1800
    rotation: str = "none"

    def __post_init__(self) -> None:
        if self.rotation not in ROTATIONS or self.expires_in <= 0:
            raise invalid(f"Rotation is one of {ROTATIONS}, and a token lives some seconds")


@dataclass(slots=True)
class Grant:
    """What an installation gave; ``refresh_tokens`` are those that work, the newest last."""

    scopes: tuple[str, ...]
    refresh_tokens: list[str]


@dataclass(frozen=True, slots=True)
class Access:
    token: str
    grant: Grant
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refresh:
    """``outdated``: with a refresh token that was not the newest."""

    at: datetime
    outdated: bool

    def to_json(self) -> Wire:
        return {"at": spell(self.at), "outdated": self.outdated}


class OAuthRefused(ApiError):
    """In OAuth's own words, with HubSpot's beside them."""

    def __init__(self, error: str, status: str, message: str) -> None:
        super().__init__(400, "INVALID_AUTHENTICATION", message)
        self.error, self.word = error, status

    def envelope(self) -> Wire:
        return {
            "error": self.error,
            "error_description": self.message,
            "status": self.word,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class _Code:
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: datetime


class OAuth:
    """One app on one account (``hub_id``). ``clock`` gives the present. Thread-safe."""

    def __init__(self, app: OAuthApp, hub_id: int, clock: Callable[[], datetime]) -> None:
        self.app = app
        self.policy = TokenPolicy()
        self.hub_id = hub_id
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._grants: dict[str, Grant] = {}
        self._accesses: dict[str, Access] = {}
        self._refreshes: list[Refresh] = []
        self._lock = Lock()

    def authorize(
        self, client_id: str, redirect_uri: str, scopes: Sequence[str], optional: Sequence[str]
    ) -> str:
        """A code that is good once and for a minute. Raises ``ApiError`` for the person to read."""
        self._refuse_wrong_request(client_id, redirect_uri, {*scopes}, {*optional})
        wanted = dict.fromkeys((*scopes, *optional))
        granted = tuple(one for one in wanted if one not in self.app.unavailable_scopes)
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = _Code(redirect_uri, granted, self._clock() + CODE_LIFE)
        return code

    def install(self) -> Wire:
        """An installation with all scopes there are, at once; the answer is that to its code."""
        app = self.app
        target = app.redirect_urls[0] if app.redirect_urls else "http://localhost/installed"
        code = self.authorize(app.client_id, target, app.scopes, app.optional_scopes)
        return self.exchange(app.client_id, app.client_secret, code, target)

    def exchange(self, client_id: str, client_secret: str, code: str, redirect_uri: str) -> Wire:
        """The tokens for a code. Raises ``OAuthRefused``."""
        self.refuse_wrong_client(client_id, client_secret)
        with self._lock:
            held = self._codes.pop(code, None)
            if held is None or held.expires_at <= self._clock():
                message = "missing or unknown auth code"
                raise OAuthRefused("invalid_grant", "BAD_AUTH_CODE", message)
            if held.redirect_uri != redirect_uri:
                message = "redirect_uri does not match the one of the authorization"
                raise OAuthRefused("invalid_grant", "MISMATCH_REDIRECT_URI_AUTH_CODE", message)
            grant = Grant(held.scopes, [])
            self._add_refresh_token(grant)
            return self._answer(grant)

    def refresh(self, client_id: str, client_secret: str, refresh_token: str) -> Wire:
        """A new access token. Raises ``OAuthRefused``."""
        self.refuse_wrong_client(client_id, client_secret)
        with self._lock:
            grant = self._grants.get(refresh_token)
            if grant is None:
                message = "missing or unknown refresh token"
                raise OAuthRefused("invalid_grant", "BAD_REFRESH_TOKEN", message)
            outdated = refresh_token != grant.refresh_tokens[-1]
            self._refreshes.append(Refresh(self._clock(), outdated))
            self._rotate(grant, refresh_token)
            return self._answer(grant)

    def access(self, token: str) -> Access | None:
        """None if it never was one. Raises the 401 if it is at its end."""
        with self._lock:
            found, now = self._accesses.get(token), self._clock()
        if found and found.expires_at <= now:
            raise expired(found.expires_at, now)
        return found

    def expire(self, token: str) -> ApiError:
        """End an access token now; returns the 401 for it."""
        now = self._clock()
        with self._lock:
            self._accesses[token] = replace(self._accesses[token], expires_at=now)
        return expired(now, now)

    def introspect(self, token: str) -> Wire:
        """What there is to know of an access or a refresh token."""
        with self._lock:
            held = self._accesses.get(token)
            grant = held.grant if held else self._grants.get(token)
            if grant is None:
                return {"active": False}
            seconds = (held.expires_at - self._clock()) // timedelta(seconds=1) if held else 0
            return {
                **self._facts(grant),
                "app_id": self.app.app_id,
                "client_id": self.app.client_id,
                "token": token,
                "token_type": "bearer",
                "token_use": "access_token" if held else "refresh_token",
                "active": held is None or seconds > 0,
            } | ({"expires_in": max(0, seconds)} if held else {})

    def revoke(self, token: str) -> None:
        """The grant behind an access or a refresh token is dead, and so are all its tokens."""
        with self._lock:
            held = self._accesses.get(token)
            grant = held.grant if held else self._grants.get(token)
            if grant:
                self._end(grant)

    def uninstall(self) -> None:
        """Every grant is dead."""
        with self._lock:
            for grant in list(self._grants.values()):
                self._end(grant)

    def _end(self, grant: Grant) -> None:
        grant.refresh_tokens.clear()
        self._grants = {token: one for token, one in self._grants.items() if one is not grant}
        self._accesses = {
            token: one for token, one in self._accesses.items() if one.grant is not grant
        }

    def refreshes(self) -> tuple[Refresh, ...]:
        with self._lock:
            return tuple(self._refreshes)

    def refresh_tokens(self) -> tuple[str, ...]:
        """The newest of each living grant."""
        with self._lock:
            grants: Iterable[Grant] = {id(one): one for one in self._grants.values()}.values()
            return tuple(one.refresh_tokens[-1] for one in grants)

    def _add_refresh_token(self, grant: Grant) -> None:
        token = secrets.token_urlsafe(32)
        grant.refresh_tokens.append(token)
        self._grants[token] = grant

    def _rotate(self, grant: Grant, used: str) -> None:
        """Whoever uses a refresh token needs none of the older ones any more."""
        held = grant.refresh_tokens
        outlived = {
            "none": (),
            "graceful": held[: held.index(used)],
            "strict": list(held),
        }[self.policy.rotation]
        for token in outlived:
            held.remove(token)
            del self._grants[token]
        if self.policy.rotation != "none":
            self._add_refresh_token(grant)

    def _answer(self, grant: Grant) -> Wire:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        life = timedelta(seconds=self.policy.expires_in)
        self._accesses[token] = Access(token, grant, self._clock() + life)
        return {
            "token_type": "bearer",
            "token_use": "access_token",
            "access_token": token,
            "refresh_token": grant.refresh_tokens[-1],
            "expires_in": self.policy.expires_in,
            **self._facts(grant),
        }

    def _facts(self, grant: Grant) -> Wire:
        return {"hub_id": self.hub_id, "user_id": _INSTALLER, "scopes": list(grant.scopes)}

    def refuse_wrong_client(self, client_id: str, client_secret: str) -> None:
        """Raises ``OAuthRefused``."""
        if client_id != self.app.client_id:
            raise OAuthRefused("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
        if client_secret != self.app.client_secret:
            message = "missing or invalid client secret"
            raise OAuthRefused("invalid_client", "BAD_CLIENT_SECRET", message)

    def _refuse_wrong_request(
        self, client_id: str, redirect_uri: str, scopes: set[str], optional: set[str]
    ) -> None:
        app = self.app
        if client_id != app.client_id:
            raise invalid(f"No app has the client id {client_id!r}")
        if app.redirect_urls and redirect_uri not in app.redirect_urls:
            raise invalid(f"{redirect_uri} is not one of the app's redirect URLs")
        if missing := {*app.scopes} - scopes:
            raise invalid(f"The address lacks required scopes: {sorted(missing)}")
        if unknown := (scopes | optional) - {*app.scopes, *app.optional_scopes}:
            raise invalid(f"The app does not have these scopes: {sorted(unknown)}")
        if lacking := scopes & {*app.unavailable_scopes}:
            raise invalid(f"This account has no access to: {sorted(lacking)}")


def expired(at: datetime, now: datetime) -> ApiError:
    minutes = (now - at) // timedelta(minutes=1)
    return ApiError(
        401,
        "EXPIRED_AUTHENTICATION",
        f"The OAuth token used to make this call expired {minutes} minute(s) ago.",
        context={"expire time": [spell(at)], "expireTimeMillis": [str(epoch_ms(at))]},
    )
