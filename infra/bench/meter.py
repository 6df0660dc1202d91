"""What the tables are asked, and what AWS would count it as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Any, cast

from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.subject_store import DynamoSubjectStore
from chalicelib.adapters.tables import connection_of
from chalicelib.pipeline.services import Services

_OPERATIONS = ("Query", "GetItem", "BatchGetItem", "TransactWriteItems", "UpdateItem", "PutItem")
_WRITES = ("TransactWriteItems", "UpdateItem", "PutItem")


@dataclass(slots=True)
class Meter:
    """DynamoDB requests by operation, and the write units they took."""

    requests: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0

    def ask(self, params: dict[str, Any], **_: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def count(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        self.requests[model.name] += 1
        if model.name in _WRITES:
            consumed = parsed.get("ConsumedCapacity", [])
            rows = consumed if isinstance(consumed, list) else [consumed]
            self.write_units += sum(row["CapacityUnits"] for row in rows)


@contextmanager
def metered(services: Services) -> Iterator[Meter]:
    """Counts all that the stores of ``services`` ask meanwhile."""
    meter = Meter()
    stores = (
        cast(DynamoSubjectStore, services.store),
        cast(DynamoSettingsStore, services.settings),
    )
    events = [connection_of(store.item).client.meta.events for store in stores]
    hooks: list[tuple[str, Callable[..., None]]] = [
        (f"before-parameter-build.dynamodb.{name}", meter.ask) for name in _OPERATIONS
    ]
    hooks.append(("after-call.dynamodb", meter.count))
    for emitter, (event, hook) in product(events, hooks):
        emitter.register(event, hook)
    try:
        yield meter
    finally:
        for emitter, (event, hook) in product(events, hooks):
            emitter.unregister(event, hook)
