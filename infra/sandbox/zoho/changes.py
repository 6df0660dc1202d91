"""What happened to a record, before it is told to anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from infra.sandbox.zoho.records import Actor, Record

Operation = Literal["insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """``fields`` are the changed ones. ``workflows`` is false where the writer wanted none."""

    record: Record
    operation: Operation
    at: datetime
    by: Actor
    fields: tuple[str, ...] = ()
    workflows: bool = True
