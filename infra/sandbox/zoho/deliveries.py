"""Callbacks of channels, and webhooks of workflow rules: neither is signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from infra.sandbox._serving import deliveries
from infra.sandbox._serving.deliveries import Delivery, Unkindness
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import epoch_ms
from infra.sandbox._serving.posting import post
from infra.sandbox.zoho.channels import Event
from infra.sandbox.zoho.workflows import Firing

Ringing = Event | Firing


@dataclass(frozen=True, slots=True)
class WayOut(Unkindness):
    """Zoho documents no retries; here lost callbacks are tried again, unless told otherwise."""


class Dispatcher(deliveries.Dispatcher[Ringing, WayOut]):
    """``clock`` gives the present of the organisation."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(WayOut())
        self._clock = clock

    def number_of(self, event: Ringing) -> int:
        return event.number

    def batches(self, events: Sequence[Ringing]) -> Iterator[tuple[Ringing, ...]]:
        """Several records go together where channel and operation are the same."""
        together: dict[tuple[str, str, str], list[Ringing]] = {}
        for one in events:
            if isinstance(one, Firing):
                yield (one,)
                continue
            key = one.channel.id, one.module, one.operation
            batch = together.setdefault(key, [])
            known = any(isinstance(other, Event) and other.record_id == one.record_id
                        for other in batch)  # fmt: skip
            if known or len(batch) >= self.settings.batch_limit:
                yield tuple(together.pop(key))
                batch = together.setdefault(key, [])
            batch.append(one)
        yield from (tuple(batch) for batch in together.values())

    def send(self, delivery: Delivery[Ringing, WayOut]) -> int | None:
        first = delivery.events[0]
        timeout = delivery.settings.timeout_seconds
        if isinstance(first, Firing):
            answer = post(first.url, first.body, first.headers, timeout)
        else:
            events = [one for one in delivery.events if isinstance(one, Event)]
            body = json.dumps(callback(events, epoch_ms(self._clock()))).encode()
            headers = {"Content-Type": "application/json;charset=UTF-8"}
            answer = post(first.channel.url, body, headers, timeout)
        return None if answer is None else answer.status_code


def callback(events: Sequence[Event], sent_at_ms: int) -> Wire:
    first = events[0]
    body: Wire = {
        "server_time": sent_at_ms,
        "query_params": dict(parse_qsl(urlsplit(first.channel.url).query)),
        "module": first.module,
        "resource_uri": f"https://www.zohoapis.com/crm/v2/{first.module}",
        "ids": [one.record_id for one in events],
        "affected_fields": [{one.record_id: list(one.fields)} for one in events if one.fields],
        "operation": first.operation,
        "channel_id": first.channel.id,
        "token": first.channel.token or None,
    }
    values = [{"record_id": one.record_id, "values": one.values} for one in events if one.values]
    return body | ({"affected_values": values} if first.channel.values else {})
