"""A rolling window of calls, and what was used of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from threading import Lock

from infra.sandbox._serving.errors import Wire


@dataclass(frozen=True, slots=True)
class Rate:
    """``calls`` in any window of ``seconds``."""

    calls: int
    seconds: float = 10.0


@dataclass(slots=True)
class Window:
    """The calls of one stretch as long as the limit's window."""

    passed: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """``windows`` follow each other without a gap from the first call on."""

    rate: Rate
    windows: tuple[Window, ...] = field(default=())

    @property
    def passed(self) -> int:
        return sum(one.passed for one in self.windows)

    @property
    def refused(self) -> int:
        return sum(one.refused for one in self.windows)

    @property
    def share(self) -> float:
        """What passed of all that could have, the last window left out, for it is not over."""
        whole = self.windows[:-1]
        possible = self.rate.calls * len(whole)
        return sum(one.passed for one in whole) / possible if possible else 0.0

    def to_json(self) -> Wire:
        return asdict(self) | {"passed": self.passed, "refused": self.refused, "share": self.share}

    @classmethod
    def from_json(cls, body: Wire) -> Usage:
        return cls(Rate(**body["rate"]), tuple(Window(**one) for one in body["windows"]))


class RollingWindow:
    """``clock`` counts seconds and never goes back."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self.rate = rate
        self._clock = clock
        self._calls: deque[float] = deque()
        self._first = 0.0
        self._windows: list[Window] = []
        self._lock = Lock()

    def count(self) -> bool:
        """Count a call. Returns whether it is one too many; it counts too."""
        with self._lock:
            now = self._clock()
            self._forget_old(now)
            self._calls.append(now)
            over = len(self._calls) > self.rate.calls
            self._note(now, over=over)
        return over

    def left(self) -> int:
        with self._lock:
            self._forget_old(self._clock())
            return max(0, self.rate.calls - len(self._calls))

    def reset(self, rate: Rate) -> None:
        """Another rate; calls are counted from none."""
        with self._lock:
            self.rate = rate
            self._calls.clear()
            self._windows.clear()

    def usage(self) -> Usage:
        """Since the last reset."""
        with self._lock:
            windows = tuple(Window(one.passed, one.refused) for one in self._windows)
            return Usage(self.rate, windows)

    def _note(self, now: float, *, over: bool) -> None:
        if not self._windows:
            self._first = now
        number = int((now - self._first) / self.rate.seconds)
        self._windows += [Window() for _ in range(number + 1 - len(self._windows))]
        window = self._windows[number]
        window.refused += over
        window.passed += not over

    def _forget_old(self, now: float) -> None:
        while self._calls and self._calls[0] <= now - self.rate.seconds:
            self._calls.popleft()
