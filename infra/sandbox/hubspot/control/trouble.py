"""Webhooks with all their unkindness, the rate limits, planned faults."""

from __future__ import annotations

from flask import Blueprint

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.fault_plan import FaultPlan
from infra.sandbox._serving.faults import Fault
from infra.sandbox._serving.instants import read
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.control.controls import Controls
from infra.sandbox.hubspot.control.reading import read_as
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.webhooks import WebhookSettings


class Trouble:
    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def add_to(self, api: Blueprint) -> None:
        api.put("/webhooks")(self.configure_webhooks)
        api.delete("/webhooks/subscriptions")(self.drop_subscriptions)
        api.delete("/webhooks/subscriptions/<int:subscription_id>")(self.drop_subscription)
        api.put("/guesses")(self.guess)
        api.put("/rate-limit")(self.limit_rate)
        api.put("/search-limit")(self.limit_searches)
        api.put("/daily-quota")(self.set_daily_quota)
        api.get("/limits")(self.limits)
        api.post("/faults")(self.plan_fault)
        api.put("/fault-plan")(self.follow_plan)
        api.get("/faults")(self.faults)
        api.delete("/faults")(self.clear_faults)
        api.put("/outage")(self.begin_outage)
        api.delete("/outage")(self.lift_outage)

    def configure_webhooks(self) -> Wire:
        settings = WebhookSettings.from_json(request_body.json_object())
        self._controls.webhooks.configure(settings)
        return {"subscriptions": len(settings.subscriptions)}

    def drop_subscriptions(self) -> Wire:
        self._controls.webhooks.drop()
        return {}

    def drop_subscription(self, subscription_id: int) -> Wire:
        self._controls.webhooks.drop(subscription_id)
        return {}

    def guess(self) -> Wire:
        self._controls.portal.guesses = Guesses.from_json(request_body.json_object())
        return {}

    def limit_rate(self) -> Wire:
        self._controls.rate_limit.reset(read_as(Rate, request_body.json_object()))
        return {}

    def limit_searches(self) -> Wire:
        self._controls.search_limit.reset(read_as(Rate, request_body.json_object()))
        return {}

    def set_daily_quota(self) -> Wire:
        """``{"left": 0, "resets_at"?: an instant}``."""
        body = request_body.json_object()
        resets_at = body.get("resets_at")
        quota = self._controls.daily_quota
        quota.leave(int(body.get("left", quota.limit)), read(resets_at) if resets_at else None)
        return quota.to_json()

    def limits(self) -> Wire:
        """What was used of each: ``windows``, sums, and the share of what was possible."""
        controls = self._controls
        return {
            "static": controls.rate_limit.usage().to_json(),
            "oauth": controls.oauth_limit.usage().to_json(),
            "search": controls.search_limit.usage().to_json(),
            "daily": controls.daily_quota.to_json(),
        }

    def plan_fault(self) -> Wire:
        self._controls.faults.plan(read_as(Fault, request_body.json_object()))
        return {}

    def follow_plan(self) -> Wire:
        self._controls.faults.follow(FaultPlan.from_json(request_body.json_object()))
        return {}

    def faults(self) -> Wire:
        return self._controls.faults.to_json()

    def begin_outage(self) -> Wire:
        """``{"mode": "503" or "close", "until": an instant}``, both optional."""
        body = request_body.json_object()
        until = body.get("until")
        self._controls.faults.outage(body.get("mode", "503"), read(until) if until else None)
        return {}

    def lift_outage(self) -> Wire:
        self._controls.faults.lift()
        return {}

    def clear_faults(self) -> Wire:
        self._controls.faults.clear()
        return {}
