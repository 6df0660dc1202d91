"""Access tokens of a grant: kept centrally, and renewed by one worker at a time.

A token is renewed well before it lapses, so all others use the living one meanwhile. Who renews
holds a lease. A worker that dies leaves a lease that lapses, and a token that still lives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from chalicelib.core.connector import AccessToken, OAuthGrant, Secret
from chalicelib.core.errors import Retryable
from chalicelib.core.ports import Clock
from chalicelib.core.shared import GrantStore, KeptToken, TokenStore

AHEAD = timedelta(minutes=5)
"""How long before its end a token is renewed; a short-lived one after half its life."""

LEASE = timedelta(seconds=30)
"""Longer than the one request for a token may take."""

REST = timedelta(seconds=5)
"""Between two attempts to renew, where the CRM gave no answer."""

LONGEST_REST = timedelta(minutes=15)
"""Where it says when to come again; somebody may connect it anew meanwhile."""

FORCED_EVERY = timedelta(minutes=1)
"""Between two tokens that replace refused ones: 401 alone does not say that a token has lapsed."""

LOOKS = 20
LOOK_EVERY_S = 0.3

Refresh = Callable[[str], AccessToken]


def fingerprint(grant: OAuthGrant) -> str:
    """Of which grant a token is: a new grant of the same connection has another."""
    text = f"{grant.client_id}\n{grant.refresh_token}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Tokens:
    """One worker's view of a connection's access token. For one thread."""

    def __init__(
        self,
        connection: str,
        grants: GrantStore,
        store: TokenStore,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        self._connection = connection
        self._grants = grants
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._holder = uuid4().hex
        self._known: KeptToken | None = None

    def living(self, grant: OAuthGrant, refresh: Refresh, refused: str) -> str:
        """See ``Access.token``. ``CredentialsInvalid`` means that the grant is dead."""
        if self._known and self._suits(self._known, grant, refused):
            return self._known.token
        for _ in range(LOOKS):
            kept = self._store.token(self._connection)
            if kept and kept.grant != fingerprint(grant):
                # Another worker may have been given a new refresh token meanwhile.
                grant = self._latest()[1]
            if kept and self._suits(kept, grant, refused):
                self._known = kept
                return kept.token
            if kept and kept.token == refused:
                self._refuse_haste(kept)
            if self._lease():
                return self._renewed(kept, grant, refresh, refused)
            if kept and self._lives(kept, grant, refused):
                return kept.token
            self._sleep(LOOK_EVERY_S)
        raise Retryable("another worker renews the access token", retry_after=REST.total_seconds())

    def _suits(self, kept: KeptToken, grant: OAuthGrant, refused: str) -> bool:
        return _is_ours(kept, grant, refused) and _serves(kept, self._clock.now())

    def _lives(self, kept: KeptToken, grant: OAuthGrant, refused: str) -> bool:
        return _is_ours(kept, grant, refused) and self._clock.now() < kept.expires_at

    def _refuse_haste(self, kept: KeptToken) -> None:
        left = kept.made_at + FORCED_EVERY - self._clock.now()
        if kept.forced and left > timedelta(0):
            text = "the CRM refuses a token that was made because it refused another"
            raise Retryable(text, retry_after=left.total_seconds())

    def _latest(self) -> tuple[Secret, OAuthGrant]:
        secret = self._grants.get(self._connection, fresh=True)
        if secret.oauth is None:
            raise Retryable("the grant was replaced by a static token", retry_after=1)
        return secret, secret.oauth

    def _renewed(
        self, kept: KeptToken | None, grant: OAuthGrant, refresh: Refresh, refused: str
    ) -> str:
        """With the lease in hand, which ends here on every way out but by death."""
        rest = timedelta(0)
        try:
            self._known = self._renew(refresh, refused)
        except Retryable as error:
            rest = _rest(error)
            if kept and self._lives(kept, grant, refused):
                return kept.token
            raise
        finally:
            self._store.release(self._connection, self._holder, self._clock.now() + rest)
        return self._known.token

    def _renew(self, refresh: Refresh, refused: str) -> KeptToken:
        secret, grant = self._latest()
        kept = self._store.token(self._connection)
        if kept and self._suits(kept, grant, refused):
            return kept  # somebody was faster than our lease
        made = refresh(grant.refresh_token)
        renewed = replace(grant, refresh_token=made.refresh_token)
        if renewed != grant:
            # Before the token is used: the old one may be void by now.
            self._grants.replace(self._connection, replace(secret, oauth=renewed))
        made_at = self._clock.now()
        forced = kept is not None and kept.token == refused
        renewal = KeptToken(fingerprint(renewed), made.token, made_at, made.expires_at, forced)
        self._store.keep(self._connection, self._holder, renewal)
        return renewal

    def _lease(self) -> bool:
        now = self._clock.now()
        return self._store.lease(self._connection, self._holder, now, now + LEASE)


def _rest(error: Retryable) -> timedelta:
    """A CRM that is asked for tokens too often may count those attempts as well."""
    told = min(error.retry_after or 0, LONGEST_REST.total_seconds())
    return max(REST, timedelta(seconds=told))


def _is_ours(kept: KeptToken, grant: OAuthGrant, refused: str) -> bool:
    return kept.grant == fingerprint(grant) and kept.token != refused


def _serves(kept: KeptToken, now: datetime) -> bool:
    """Whether it lives, and is not yet to be renewed."""
    return now < kept.expires_at - min(AHEAD, (kept.expires_at - kept.made_at) / 2)
