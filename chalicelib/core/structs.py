"""How the small values are declared of which every card is made by the hundred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

Struct = TypeVar("Struct")


@dataclass_transform(frozen_default=True)
def struct(cls: type[Struct]) -> type[Struct]:
    """A frozen dataclass to the type checker, and a plain one with slots when it runs.

    A frozen one sets every field through ``object.__setattr__``, so that making it takes four
    times as long. Whoever writes to a field hears of it from mypy instead.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
