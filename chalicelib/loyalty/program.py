"""Which programme was in force when: policies change, and what was earned by an older one stays so.

>>> from datetime import UTC
>>> from zoneinfo import ZoneInfo
>>> tehran = ZoneInfo("Asia/Tehran")
>>> old, new = (Program(tehran, "jalali", "IRR", pending_days=days) for days in (0, 7))
>>> programs = Programs.of(old, {datetime(2026, 3, 21, tzinfo=UTC): new})
>>> programs.at(datetime(2026, 3, 20, tzinfo=UTC)).pending_days
0
>>> programs.at(datetime(2026, 3, 21, tzinfo=UTC)).pending_days
7
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from chalicelib.core.loyalty import EarningRule, Mission, Program
from chalicelib.loyalty.spans import FIRST

_Asks = TypeVar("_Asks", EarningRule, Mission)


def indexed(program: Program) -> Program:
    """With its rules by the kind of event that they ask for."""
    return replace(
        program,
        by_event=_by_event(program.earning),
        missions_by_event=_by_event(program.missions),
    )


def _by_event(rules: Iterable[_Asks]) -> Mapping[str, tuple[_Asks, ...]]:
    found: defaultdict[str, tuple[_Asks, ...]] = defaultdict(tuple)
    for rule in rules:
        found[rule.event] += (rule,)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Programs:
    """``since`` rises; the first programme has always been in force until the second."""

    since: Sequence[datetime]
    each: Sequence[Program]

    @classmethod
    def of(cls, first: Program, later: Mapping[datetime, Program] | None = None) -> Programs:
        changes = sorted((later or {}).items(), key=lambda pair: pair[0])
        return cls(
            since=(FIRST, *(at for at, _ in changes)),
            each=tuple(map(indexed, (first, *(program for _, program in changes)))),
        )

    def followed_by(self, program: Program, at: datetime) -> Programs:
        """With one more, from an instant on that is later than all others."""
        return Programs((*self.since, at), (*self.each, indexed(program)))

    def at(self, instant: datetime) -> Program:
        return self.each[bisect_right(self.since, instant) - 1]

    @property
    def first(self) -> Program:
        return self.each[0]
