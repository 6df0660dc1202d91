"""What is fixed about an organisation while it runs, and what no document settles about Zoho."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.sandbox._serving.errors import Wire, invalid
from infra.sandbox.zoho.editions import EDITIONS, Edition


@dataclass(frozen=True, slots=True)
class OAuthApp:
    client_id: str = "1000.STANDIN"
    client_secret: str = "stand-in-client-secret"  # noqa: S105 - opens nothing but this stand-in


@dataclass(frozen=True, slots=True)
class Settings:
    """``exchange_rates`` say how many units of each further currency one of the home one is."""

    org_id: str = "5725767000000020005"
    zgid: str = "5725767"
    currency: str = "USD"
    exchange_rates: Mapping[str, str] = field(default_factory=lambda: {"EUR": "0.8"})
    time_zone: str = "Asia/Tehran"
    edition: str = "enterprise"
    users: int = 10
    app: OAuthApp = field(default_factory=OAuthApp)

    @property
    def limits(self) -> Edition:
        return EDITIONS[self.edition]


@dataclass(frozen=True, slots=True)
class Guesses:
    """``api_rings``: channels fire for what the API writes. ``conditions_bind_all``: also events
    of creation. ``edits_are_activity``: every edit, ours too, moves ``Last_Activity_Time``.
    ``mixed_status`` is the one of an answer of which some items failed.
    """

    api_rings: bool = True
    conditions_bind_all: bool = False
    edits_are_activity: bool = True
    unknown_fields_refused: bool = False
    mixed_status: int = 207

    @classmethod
    def from_json(cls, body: Wire) -> Guesses:
        try:
            return cls(**body)
        except TypeError as wrong:
            raise invalid(str(wrong)) from wrong
