"""What is fixed about an account while it runs, and which tokens open it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from infra.sandbox.hubspot.oauth import OAuthApp


@dataclass(frozen=True, slots=True)
class AppToken:
    """What a token opens, mostly a static one. ``scopes`` None stands for every scope."""

    app_id: int
    scopes: frozenset[str] | None = None
    oauth: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """``exchange_rates`` are what one unit of each further currency is worth at first, in the
    home one. ``index_lag`` is how far the search index is behind; in HubSpot it is seconds.
    """

    portal_id: int = 62515
    currency: str = "USD"
    exchange_rates: Mapping[str, str] = field(default_factory=lambda: {"EUR": "1.25"})
    time_zone: str = "Asia/Tehran"
    index_lag: timedelta = timedelta(0)
    tokens: Mapping[str, AppToken] = field(
        default_factory=lambda: {"stand-in-token": AppToken(54321)}
    )
    oauth_app: OAuthApp = field(default_factory=OAuthApp)
