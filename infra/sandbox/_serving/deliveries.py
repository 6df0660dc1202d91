"""Sends events as unkindly as asked: gathered, shuffled, late, so many at a time, retried."""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from threading import Condition, Thread
from time import monotonic
from typing import Generic, TypeVar

from infra.sandbox._serving.errors import Wire

_OK = range(200, 300)
_WORKERS = 32  # more than any sensible ``max_concurrent``


@dataclass(frozen=True, slots=True, kw_only=True)
class Unkindness:
    """How unkind the way is.

    ``batch_limit`` is how many events one request carries, 1 sends each apart from the others.
    ``duplicate_share`` is the mean number of extra copies of an event (0.3: three in ten come
    twice); ``delay_ms`` the longest random delay of a request, so that later ones overtake it.
    ``lose_share`` of the requests are never sent. The first retry waits ``retry_ms`` and each
    further one twice as long, up to ``retry_limit_ms``.
    """

    gather_ms: int = 50
    batch_limit: int = 100
    duplicate_share: float = 0.0
    shuffle: bool = False
    seed: int = 0
    delay_ms: int = 0
    max_concurrent: int = 10
    timeout_seconds: float = 5.0
    retries: int = 10
    retry_ms: int = 100
    retry_limit_ms: int = 2_000
    lose_share: float = 0.0


E = TypeVar("E")
S = TypeVar("S", bound=Unkindness)


@dataclass(frozen=True, slots=True, order=True)
class Delivery(Generic[E, S]):
    """One request that is to be sent at ``due``, in seconds of the monotonic clock."""

    due: float
    number: int
    events: tuple[E, ...] = field(compare=False)
    settings: S = field(compare=False)
    attempt: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one request; ``status`` is None if there was no answer."""

    number: int
    attempt: int
    event_ids: tuple[int, ...]
    status: int | None
    milliseconds: int

    def to_json(self) -> Wire:
        return {
            "number": self.number,
            "attempt": self.attempt,
            "events": list(self.event_ids),
            "status": self.status,
            "milliseconds": self.milliseconds,
        }


class Dispatcher(ABC, Generic[E, S]):
    """A thread that gathers and times, and a pool that sends; what a CRM sends, it says itself."""

    def __init__(self, settings: S) -> None:
        self.settings = settings
        self._random = Random(settings.seed)  # noqa: S311 - a plan that can be repeated, no secret
        self._wake = Condition()
        self._gathered: list[E] = []
        self._gather_until = 0.0
        self._waiting: list[Delivery[E, S]] = []
        self._in_flight = 0
        self._stopped = False
        self._numbers = count(1)
        self._attempts: list[Attempt] = []
        self._lost: list[int] = []
        self._pool = ThreadPoolExecutor(_WORKERS, "webhook")
        self._thread = Thread(target=self._run, name="webhook dispatcher", daemon=True)

    @abstractmethod
    def send(self, delivery: Delivery[E, S]) -> int | None:
        """One attempt; returns the status of the answer, None if there was none."""

    @abstractmethod
    def number_of(self, event: E) -> int: ...

    def batches(self, events: Sequence[E]) -> Iterable[tuple[E, ...]]:
        """What goes into one request each."""
        limit = self.settings.batch_limit
        for start in range(0, len(events), limit):
            yield tuple(events[start : start + limit])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for what is in flight; what is still waiting is given up."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        self._thread.join()
        self._pool.shutdown()

    def configure(self, settings: S) -> None:
        with self._wake:
            self.settings = settings
            self._random = Random(settings.seed)  # noqa: S311

    def add(self, events: Sequence[E]) -> None:
        if not events:
            return
        with self._wake:
            if not self._gathered:
                self._gather_until = monotonic() + self.settings.gather_ms / 1000
            self._gathered.extend(events)
            self._wake.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is gathered, waiting or in flight; False if that took too long."""
        with self._wake:
            return self._wake.wait_for(self._idle, timeout)

    def attempts(self) -> tuple[Attempt, ...]:
        with self._wake:
            return tuple(self._attempts)

    def lost(self) -> tuple[int, ...]:
        """The numbers of events that were never sent."""
        with self._wake:
            return tuple(self._lost)

    def forget_attempts(self) -> None:
        """And what was lost."""
        with self._wake:
            self._attempts.clear()
            self._lost.clear()

    def _idle(self) -> bool:
        return not (self._gathered or self._waiting or self._in_flight)

    def _run(self) -> None:
        with self._wake:
            while not self._stopped:
                now = monotonic()
                self._close_batches(now)
                self._send_due(now)
                self._wake.wait(self._pause(monotonic()))

    def _pause(self, now: float) -> float | None:
        """Seconds until something has to be done; None until somebody calls."""
        due = [self._gather_until] if self._gathered else []
        if self._waiting and self._in_flight < self.settings.max_concurrent:
            due.append(self._waiting[0].due)
        return max(0.0, min(due) - now) if due else None

    def _close_batches(self, now: float) -> None:
        if not self._gathered or now < self._gather_until:
            return
        events, self._gathered = self._scrambled(self._gathered), []
        for batch in self.batches(events):
            delay = self._random.uniform(0, self.settings.delay_ms / 1000)
            if self.settings.lose_share and self._random.random() < self.settings.lose_share:
                self._lost.extend(self.number_of(event) for event in batch)
                continue
            delivery = Delivery(now + delay, next(self._numbers), batch, self.settings)
            heapq.heappush(self._waiting, delivery)

    def _scrambled(self, events: Iterable[E]) -> list[E]:
        scrambled = [event for event in events for _ in range(1 + self._extra_copies())]
        if self.settings.shuffle:
            self._random.shuffle(scrambled)
        return scrambled

    def _extra_copies(self) -> int:
        share = self.settings.duplicate_share
        return int(share) + (self._random.random() < share % 1)

    def _send_due(self, now: float) -> None:
        while (
            self._waiting
            and self._waiting[0].due <= now
            and self._in_flight < self.settings.max_concurrent
        ):
            self._in_flight += 1
            self._pool.submit(self._send, heapq.heappop(self._waiting))

    def _send(self, delivery: Delivery[E, S]) -> None:
        began = monotonic()
        status = self.send(delivery)
        took = round((monotonic() - began) * 1000)
        event_ids = tuple(self.number_of(event) for event in delivery.events)
        attempt = Attempt(delivery.number, delivery.attempt, event_ids, status, took)
        with self._wake:
            self._in_flight -= 1
            self._attempts.append(attempt)
            if status not in _OK and delivery.attempt < delivery.settings.retries:
                heapq.heappush(self._waiting, self._again(delivery))
            self._wake.notify_all()

    def _again(self, delivery: Delivery[E, S]) -> Delivery[E, S]:
        settings = delivery.settings
        wait = min(settings.retry_ms * 2**delivery.attempt, settings.retry_limit_ms) / 1000
        due = monotonic() + wait * self._random.uniform(0.5, 1.0)
        return replace(delivery, due=due, attempt=delivery.attempt + 1)
