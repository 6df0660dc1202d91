"""The webhook of a workflow, for whoever would rather not have channels, which end.

It sends what an admin put together, so no more is asked of it than the module and the record's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.core.connector import Connection, Event, EventType
from chalicelib.core.model import Kind, Ref


def event(
    told: Mapping[str, Any], kinds: Mapping[str, Kind], connection: Connection, digest: str
) -> Event:
    """One event without a time, since nobody tells what changed when."""
    module = str(told["module"])
    kind = kinds.get(module)
    ref = Ref(connection.id, kind, str(told["id"])) if kind else None
    kind_of_event = EventType.CHANGED if ref else EventType.UNKNOWN
    return Event(kind_of_event, ref, None, f"workflow.{module}", key=f"workflow/{digest}")
