"""Trouble on demand: the next requests of a route, a share of all, or everything for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Lock

from infra.sandbox._serving.errors import Wire, invalid
from infra.sandbox._serving.fault_plan import Dice, FaultPlan, Strike
from infra.sandbox._serving.instants import spell

OUTAGE_MODES = ("503", "close")


@dataclass(slots=True)
class Fault:
    """The next ``count`` requests whose route holds ``route`` answer ``status``.

    ``applied`` does the work first and then loses the answer: the caller is left in doubt.
    ``retry_after`` are the seconds of such a header.
    """

    count: int
    status: int = 503
    route: str = ""
    applied: bool = False
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """Everything fails until it is lifted, or until an instant: ``503``, or no answer at all."""

    mode: str = "503"
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.mode not in OUTAGE_MODES:
            raise invalid(f"An outage is one of {OUTAGE_MODES}, not {self.mode!r}")


class Faults:
    """``clock`` gives the present."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._planned: list[Fault] = []
        self._dice: Dice | None = None
        self._struck: Counter[str] = Counter()
        self._outage: Outage | None = None
        self._outage_calls: list[datetime] = []
        self._lock = Lock()

    def plan(self, fault: Fault) -> None:
        with self._lock:
            self._planned.append(fault)

    def follow(self, plan: FaultPlan) -> None:
        """In place of the plan before; what was struck is counted anew."""
        with self._lock:
            self._dice = Dice(plan)
            self._struck.clear()

    def clear(self) -> None:
        """No more faults, planned or drawn; an outage stays, and so do the counts."""
        with self._lock:
            self._planned.clear()
            self._dice = None

    def take(self, route: str, *, applied: bool) -> Fault | None:
        """The planned fault that strikes this request, if any; its count goes down."""
        with self._lock:
            for fault in self._planned:
                if fault.count > 0 and fault.applied is applied and fault.route in route:
                    fault.count -= 1
                    return fault
        return None

    def strike(self, route: str, *, expirable: bool) -> Strike | None:
        """What the plan has for this request. ``expirable``: it came with an OAuth token."""
        with self._lock:
            if self._dice is None or not self._dice.plan.concerns(route):
                return None
            strike = self._dice.throw(expirable=expirable)
            if strike:
                self._struck[strike.kind] += 1
            return strike

    def struck(self) -> Mapping[str, int]:
        """How many requests of each kind of fault there were since the plan began."""
        with self._lock:
            return dict(self._struck)

    def outage(self, mode: str = "503", until: datetime | None = None) -> None:
        """Begin one; its calls are counted from none."""
        with self._lock:
            self._outage = Outage(mode, until)
            self._outage_calls.clear()

    def lift(self) -> None:
        with self._lock:
            self._outage = None

    def outage_met(self) -> Outage | None:
        """The outage that this call runs into, if there is one; the call is noted."""
        with self._lock:
            outage, now = self._outage, self._clock()
            if outage is None or (outage.until and outage.until <= now):
                return None
            self._outage_calls.append(now)
            return outage

    def outage_calls(self) -> tuple[datetime, ...]:
        """When somebody called during the last outage."""
        with self._lock:
            return tuple(self._outage_calls)

    def to_json(self) -> Wire:
        with self._lock:
            return {
                "planned": [asdict(fault) for fault in self._planned if fault.count],
                "plan": asdict(self._dice.plan) if self._dice else None,
                "struck": dict(self._struck),
                "outage": self._outage.mode if self._outage else None,
                "outage_calls": [spell(at) for at in self._outage_calls],
            }
