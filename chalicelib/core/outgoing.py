"""Where announcements go to: receivers of webhooks, and what the cloud must offer for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.core.announcements import Announcement
from chalicelib.core.model import Json


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A receiver of signed webhooks. ``secrets`` are all live ones: two during a rotation."""

    id: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)


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


class Line(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One attempt, without redirects. Raises ``Unreachable``."""
        ...


class EventBus(Protocol):
    def put(self, kind: str, detail: Mapping[str, Json]) -> None:
        """Raises ``Retryable`` or ``Parked``."""
        ...


class Mailer(Protocol):
    def send(self, address: str, announcement: Announcement) -> None:
        """Raises ``Retryable`` where it certainly was not sent, else ``Parked``."""
        ...
