"""A query taken apart. Paths are names with relationships before them: ``("Account", "Name")``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """``kind`` is what it looks like: string, number, boolean, date, datetime or null."""

    kind: str
    value: bool | float | str | date | datetime | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``operator`` is in capitals: ``=``, ``IN``, ``INCLUDES`` …; one literal or a list of them."""

    path: Path
    operator: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class SemiJoin:
    path: Path
    is_negated: bool
    query: Query


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Condition, ...]


Condition = Comparison | SemiJoin | Not | All | Any


@dataclass(frozen=True, slots=True)
class Order:
    path: Path
    is_descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """``children`` are queries among what is selected; their ``source`` names a relationship."""

    source: str
    selected: tuple[Path, ...] = ()
    children: tuple[Query, ...] = ()
    counts: bool = False
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
