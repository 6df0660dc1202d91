"""Sends events as HubSpot does: many in a request, numbered by attempt, signed afresh."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import time

from infra.sandbox._serving import deliveries
from infra.sandbox._serving.deliveries import Delivery
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.posting import post
from infra.sandbox.hubspot.signature import signed_headers
from infra.sandbox.hubspot.webhooks import WebhookSettings


class Dispatcher(deliveries.Dispatcher[Wire, WebhookSettings]):
    def __init__(self, clock: Callable[[], float] = time) -> None:
        super().__init__(WebhookSettings())
        self._clock = clock

    def add(self, events: Sequence[Wire]) -> None:
        """Queue events; without a target they are lost, as without an installed app."""
        if self.settings.target_url:
            super().add(events)

    def drop(self, subscription_id: int | None = None) -> None:
        """One subscription is gone, or all are: their events are lost without a word."""
        with self._wake:
            kept = [
                one
                for one in self.settings.subscriptions
                if subscription_id is not None and one.id != subscription_id
            ]
            self.settings = replace(self.settings, subscriptions=tuple(kept))

    def send(self, delivery: Delivery[Wire, WebhookSettings]) -> int | None:
        settings, body = delivery.settings, _body(delivery)
        moment_ms = round(self._clock() * 1000)
        headers = signed_headers(
            settings.secret, settings.target_url, body, moment_ms, settings.signature
        )
        answer = post(settings.target_url, body, headers, settings.timeout_seconds)
        return None if answer is None else answer.status_code

    def number_of(self, event: Wire) -> int:
        return int(event["eventId"])


def _body(delivery: Delivery[Wire, WebhookSettings]) -> bytes:
    events = [event | {"attemptNumber": delivery.attempt} for event in delivery.events]
    return json.dumps(events, ensure_ascii=False, separators=(",", ":")).encode()
