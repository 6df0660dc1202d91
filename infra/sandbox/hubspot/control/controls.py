"""All that the control API reaches."""

from __future__ import annotations

from dataclasses import dataclass

from infra.sandbox._serving.clock import Clock
from infra.sandbox._serving.faults import Faults
from infra.sandbox._serving.request_log import RequestLog
from infra.sandbox.hubspot.daily_quota import DailyQuota
from infra.sandbox.hubspot.deliveries import Dispatcher
from infra.sandbox.hubspot.oauth import OAuth
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.rate_limit import RateLimit
from infra.sandbox.hubspot.workflows import Workflows


@dataclass(frozen=True, slots=True)
class Controls:
    portal: Portal
    webhooks: Dispatcher
    workflows: Workflows
    clock: Clock
    oauth: OAuth
    rate_limit: RateLimit
    oauth_limit: RateLimit
    search_limit: RateLimit
    daily_quota: DailyQuota
    faults: Faults
    requests: RequestLog
