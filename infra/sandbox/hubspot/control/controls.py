"""All that the control API reaches."""

from __future__ import annotations

from dataclasses import dataclass

from infra.sandbox.hubspot.deliveries import Dispatcher
from infra.sandbox.hubspot.faults import Faults
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.rate_limit import RateLimit
from infra.sandbox.hubspot.request_log import RequestLog


@dataclass(frozen=True, slots=True)
class Controls:
    portal: Portal
    webhooks: Dispatcher
    rate_limit: RateLimit
    search_limit: RateLimit
    faults: Faults
    requests: RequestLog
