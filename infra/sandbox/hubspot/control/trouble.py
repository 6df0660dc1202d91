"""Webhooks with all their unkindness, and the rate limits."""

from __future__ import annotations

from flask import Blueprint

from infra.sandbox._serving.control import read_as
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import read
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.control.controls import Controls
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
