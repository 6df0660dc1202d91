"""What the workers of one connection must share, and where a grant is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from chalicelib.core.connector import Secret


class Marks(Protocol):
    """The shared state: one mark per connection and rate, in microseconds since 1970."""

    def push(self, connection: str, rate: str, step: int, bounds: tuple[int, int]) -> int | None:
        """Add ``step`` to a mark within ``bounds``; as it was before, None if it is not there."""
        ...

    def restart(self, connection: str, rate: str, step: int, bounds: tuple[int, int]) -> int | None:
        """Set a mark that is missing or out of ``bounds`` to ``step`` after the lower one.

        Returns the lower bound, or None if the mark is within.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeptToken:
    """``grant`` tells of which grant it is, and nothing about the grant.

    ``forced`` if it replaced one that should have lived.
    """

    grant: str
    token: str = field(repr=False)
    made_at: datetime
    expires_at: datetime
    forced: bool = False


class TokenStore(Protocol):
    """The shared state: one token and one lease per connection."""

    def token(self, connection: str) -> KeptToken | None:
        """As of now."""
        ...

    def lease(self, connection: str, holder: str, now: datetime, until: datetime) -> bool:
        """Whether ``holder`` alone may renew the token; nobody else holds a lease at ``now``."""
        ...

    def release(self, connection: str, holder: str, at: datetime) -> None:
        """The lease ends ``at``; does nothing if it is another's by now."""
        ...

    def keep(self, connection: str, holder: str, kept: KeptToken) -> None:
        """Does nothing if the lease is another's by now."""
        ...


class GrantStore(Protocol):
    """Secrets, as ``chalicelib.core.ports.Secrets``, that can be replaced."""

    def get(self, connection: str, *, fresh: bool = False) -> Secret: ...

    def replace(self, connection: str, secret: Secret) -> None:
        """Durably, or ``Retryable`` is raised."""
        ...


class AccessState(Marks, TokenStore, Protocol):
    """All that is shared."""
