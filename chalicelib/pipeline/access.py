"""What all workers of a connection share: its place in the rate limits, and its token."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.core.connector import Rate
from chalicelib.core.errors import CredentialsInvalid
from chalicelib.core.ports import Clock
from chalicelib.core.shared import AccessState, GrantStore
from chalicelib.pipeline.pacing import Pacer
from chalicelib.pipeline.tokens import Refresh, Tokens

REVOKED_FOR = timedelta(days=1)
"""How long a connection rests whose grant is dead, unless somebody connects it again before."""


Revoked = Callable[[datetime, str], None]
"""Told until when the connection rests, and why, when its grant turns out to be dead."""


class SharedAccess:
    """Implements ``Access`` for one worker, on state that it shares with others.

    ``clock`` is the installation's own. The rate limits go by ``seconds`` since 1970, which no
    rehearsal moves.
    """

    def __init__(
        self,
        connection: str,
        *,
        grants: GrantStore,
        state: AccessState,
        clock: Clock,
        revoked: Revoked,
        seconds: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._grants = grants
        self._clock = clock
        self._revoked = revoked
        self._pacer = Pacer(connection, state, seconds, sleep)
        self._tokens = Tokens(connection, grants, state, clock, sleep)

    def now(self) -> datetime:
        return self._clock.now()

    def enter(self, rate: Rate) -> None:
        self._pacer.enter(rate)

    def token(self, refresh: Refresh, *, refused: str = "") -> str:
        secret = self._grants.get(self._connection)
        if secret.oauth is None:
            return secret.token
        try:
            return self._tokens.living(secret.oauth, refresh, refused)
        except CredentialsInvalid as error:
            self._revoked(self.now() + REVOKED_FOR, f"{error}; run emtiaz connect again")
            raise
