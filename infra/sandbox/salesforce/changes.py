"""What one transaction did to the records of an org."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Actor

Operation = Literal["CREATE", "UPDATE", "DELETE", "UNDELETE"]


@dataclass(frozen=True, slots=True)
class Change:
    """``changed`` are the fields with their new values; of what is created, all that it has."""

    operation: Operation
    object: str
    id: str
    changed: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transaction:
    """``number`` rises by commit; ``changes`` are in their order."""

    number: int
    at: datetime
    by: Actor
    changes: tuple[Change, ...]
