"""Tokens: who gets one for what, and how long it lives."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from itertools import count
from threading import Lock

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import epoch_ms
from infra.sandbox.salesforce.errors import ApiError, OAuthRefused, session_expired
from infra.sandbox.salesforce.settings import INTEGRATION_USER, Settings

LONGEST_ASSERTION = timedelta(minutes=3)
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


@dataclass(frozen=True, slots=True)
class Session:
    """``used_at`` moves only when half of its life is over."""

    token: str
    used_at: datetime


class Sessions:
    """Of one app and its one user."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._numbers = count(1)
        self._logins: list[datetime] = []
        self._lock = Lock()

    def by_client(self, key: str, secret: str, url: str) -> Wire:
        """The client credentials flow. Raises ``OAuthRefused``."""
        client = self._settings.client
        if key != client.key:
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        if not compare_digest(secret, client.secret):
            raise OAuthRefused("invalid_client", "invalid client credentials")
        return self._granted(url)

    def by_assertion(self, assertion: str, url: str) -> Wire:
        """The JWT bearer flow. Raises ``OAuthRefused``."""
        claims = self._claims(assertion, url)
        if claims.get("iss") != self._settings.client.key:
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        if claims.get("sub") != self._settings.client.username:
            raise OAuthRefused("invalid_grant", "user hasn't approved this consumer")
        expires = datetime.fromtimestamp(float(str(claims.get("exp", 0))), UTC)
        if not self._clock() < expires <= self._clock() + LONGEST_ASSERTION:
            raise OAuthRefused("invalid_grant", "expired authorization code")
        return self._granted(url)

    def admit(self, token: str) -> None:
        """Raises the 401."""
        with self._lock:
            session = self._sessions.get(token)
            if session is None or not self._lives(session):
                raise session_expired()
            if self._clock() - session.used_at > self._settings.session / 2:
                self._sessions[token] = replace(session, used_at=self._clock())

    def expire(self, token: str = "") -> ApiError:
        """One at once, or all; returns how callers are told."""
        with self._lock:
            for one in [token] if token else list(self._sessions):
                self._sessions.pop(one, None)
        return session_expired()

    def logins(self) -> tuple[datetime, ...]:
        """When tokens were asked for with success."""
        with self._lock:
            return tuple(self._logins)

    def _claims(self, assertion: str, url: str) -> Mapping[str, object]:
        import jwt

        try:
            claims: Mapping[str, object] = jwt.decode(
                assertion,
                self._settings.client.public_key,
                algorithms=["RS256"],
                audience=[*AUDIENCES, url],
                options={"verify_exp": False},  # by the stand-in's own clock
            )
        except jwt.InvalidAudienceError as wrong:
            raise OAuthRefused("invalid_grant", "audience is invalid") from wrong
        except (jwt.InvalidTokenError, jwt.InvalidKeyError) as wrong:
            raise OAuthRefused("invalid_grant", "invalid assertion") from wrong
        return claims

    def _granted(self, url: str) -> Wire:
        with self._lock:
            now = self._clock()
            self._logins.append(now)
            session = self._shared() or Session(self._new_token(), now)
            self._sessions[session.token] = session
        identity = f"{url}/id/{self._settings.org_id}/{INTEGRATION_USER}"
        return {
            "access_token": session.token,
            "signature": b64encode(sha256(identity.encode()).digest()).decode(),
            "scope": "api",
            "instance_url": url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": str(epoch_ms(now)),
        }

    def _shared(self) -> Session | None:
        if not self._settings.guesses.one_session:
            return None
        return next(filter(self._lives, self._sessions.values()), None)

    def _lives(self, session: Session) -> bool:
        return session.used_at + self._settings.session > self._clock()

    def _new_token(self) -> str:
        """The organisation's id is in it, and a sign that shells do not like."""
        number = sha256(f"{self._settings.client.key} {next(self._numbers)}".encode())
        return f"{self._settings.org_id[:15]}!{number.hexdigest()}"
