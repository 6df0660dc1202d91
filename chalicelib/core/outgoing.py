"""Where announcements go to: receivers of webhooks, and what the cloud must offer for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.core.announcements import Announcement
from chalicelib.core.connector import WebhookEndpoint
from chalicelib.core.model import Json, Ref


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is cut short; ``retry_after`` is in seconds, None where nothing was said."""

    status: int
    body: bytes = b""
    retry_after: float | None = None


class Unreachable(Exception):
    """No answer came, or none was asked for.

    ``hopeless`` where the address itself must not be called, today or tomorrow.
    """

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class Webhooks(Protocol):
    def send(self, endpoint: WebhookEndpoint, id_: str, body: bytes, at: datetime) -> Answer:
        """One attempt, signed as of ``at``, without redirects. Raises ``Unreachable``."""
        ...


class EventBus(Protocol):
    def put(self, kind: str, detail: Mapping[str, Json]) -> None:
        """Raises ``Retryable`` or ``Parked``."""
        ...


class Mailer(Protocol):
    def send(self, address: str, subject: str, text: str) -> None:
        """Raises ``Retryable`` or ``Parked`` where it certainly was not sent, else ``InDoubt``."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An announcement and how far it has come.

    ``done`` names the ways, and the receivers of a way, that need it no more; ``claimed`` those
    of which it is unknown whether they got it.
    """

    announcement: Announcement
    done: frozenset[str] = frozenset()
    claimed: frozenset[str] = frozenset()


class Outbox(Protocol):
    """Announcements that were saved with cards. All changes are single and conditional."""

    def outgoing(self, subject: Ref, id_: str) -> Outgoing | None:
        """Strongly consistent; None if there is no such announcement, or no longer."""
        ...

    def claim(self, subject: Ref, id_: str, way: str) -> bool:
        """Whether the caller alone may use the way: it was neither claimed nor done."""
        ...

    def release(self, subject: Ref, id_: str, way: str) -> None:
        """The way was claimed, and certainly not used."""
        ...

    def mark_done(self, subject: Ref, id_: str, way: str) -> None:
        """Does nothing to an announcement that is there no longer."""
        ...
