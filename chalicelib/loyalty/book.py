"""The fold: from entries to lots, balance and debt.

``Book.apply`` adds one entry; the same id again changes nothing. Nothing but ``touched``, ``opens``
and ``debt`` moves points, so a fold is a few sums. ``Book.settle`` says what time itself brings
about until an instant, in its order: points become available, repay a debt before anybody can spend
them, and expire. It is idempotent, and a lot is dead from its expiry on whether or not somebody has
settled since.

At all times, over all lots::

    earned - reversed - used - expired = sum of remaining,   0 <= remaining <= points,   debt >= 0

What somebody can spend is ``available``: what remains in open lots, less the debt.

>>> from datetime import UTC, timedelta
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> from chalicelib.loyalty.entries import Lot
>>> lot = Lot("a", "a", "purchase", now, now, now + timedelta(days=365))
>>> book = Book.of([Entry("earn:a:1", "earn", 30, now, now, "a", (("a", 30),), opens=(lot,))])
>>> book.settle(now + timedelta(days=1)), book.available
([], 30)
>>> [one.kind for one in book.settle(now + timedelta(days=365))], book.available
(['expire'], 0)
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.expiry import Doings
from chalicelib.loyalty.lots import Holding, Order
from chalicelib.loyalty.spans import FIRST, LAST

Touched = tuple[tuple[str, int], ...]
"""Lots by id, and points."""


class LedgerBroken(ValueError):
    """An entry that no correct ledger can hold: a lot overdrawn or filled beyond what it had."""


@dataclass(slots=True)
class Totals:
    """Sums over all lots; ``lapsed`` and ``forgiven`` are what refunds did not take."""

    earned: int = 0
    reversed: int = 0
    used: int = 0
    expired: int = 0
    lapsed: int = 0
    forgiven: int = 0


class Book:
    """Somebody's ledger, folded. Entries are applied in the order in which they were recorded."""

    def __init__(self) -> None:
        self.holdings: dict[str, Holding] = {}
        self.by_key: defaultdict[str, list[str]] = defaultdict(list)
        self.granted: defaultdict[str, int] = defaultdict(int)
        self.lapsed: defaultdict[str, int] = defaultdict(int)
        self.times: defaultdict[str, int] = defaultdict(int)
        self.redeemed: dict[str, Entry] = {}
        self.adjusted: dict[str, Entry] = {}
        self.cancelled: set[str] = set()
        self.merges: list[Entry] = []
        self.totals = Totals()
        self.doings = Doings()
        self.debt = 0
        self.debt_since = FIRST
        self.debt_recorded_at = FIRST
        self.debt_number = 0
        self.remaining = 0
        self.number = 0
        self.settled_to = FIRST
        self._open = 0
        self._ids: set[str] = set()
        self._coming: list[tuple[datetime, int, str]] = []
        self._ready: list[Order] = []
        self._inactive: dict[str, Holding] = {}
        self._next_death = FIRST

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Book:
        book = cls()
        for entry in entries:
            book.apply(entry)
        return book

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._ids

    @property
    def available(self) -> int:
        """As of ``settled_to``; never below 0, for the debt is shown beside it."""
        return max(self._open - self.debt, 0)

    @property
    def pending(self) -> int:
        """Points that nobody can spend yet."""
        return self.remaining - self._open

    @property
    def open_points(self) -> int:
        """What remains in open lots, with the debt still in it."""
        return self._open

    def apply(self, entry: Entry) -> bool:
        """False for an entry that is in the book already. Raises LedgerBroken."""
        if entry.id in self._ids:
            return False
        self._ids.add(entry.id)
        self.number += 1
        for lot in entry.opens:
            self.hold(Holding(lot))
        for lot_id, points in entry.touched:
            self._touch(entry, self.holdings[lot_id], points)
        self._owe(entry)
        self._note(entry)
        return True

    def hold(self, holding: Holding) -> None:
        """A new lot, or one from a snapshot with what is left of it."""
        lot = holding.lot
        self.holdings[lot.id] = holding
        self.by_key[lot.key].append(lot.id)
        self.remaining += holding.remaining
        if lot.inactive_days is not None:
            self._inactive[lot.id] = holding
            self._next_death = FIRST
        if holding.is_closed:
            return
        if holding.is_open:
            self._open += holding.remaining
            heapq.heappush(self._ready, holding.order)
        else:
            heapq.heappush(self._coming, (lot.available_at, 0, lot.id))
        if lot.expires_at is not None:
            heapq.heappush(self._coming, (lot.expires_at, 1, lot.id))

    def settle(self, now: datetime) -> list[Entry]:
        """What time has brought about by ``now``, as entries that are applied already."""
        made: list[Entry] = []
        while self._coming and self._coming[0][0] <= now:
            at, _, lot_id = heapq.heappop(self._coming)
            made += self._reach(at, self.holdings[lot_id], now)
        made += self._inactivity(now)
        self.settled_to = max(self.settled_to, now)
        return made

    def allocate(self, points: int, taken: Mapping[str, int] | None = None) -> Touched:
        """So many points of open lots in the order in which they are used up.

        Fewer where there are not as many. What is ``taken`` of a lot already is not there.
        """
        found: dict[str, int] = {}
        emptied: list[Order] = []
        while points and self._ready:
            order = self._ready[0]
            holding = self.holdings[order[2]]
            left = holding.remaining - (taken or {}).get(order[2], 0) if holding.is_open else 0
            part = 0 if order[2] in found else min(left, points)
            if part:
                found[order[2]] = part
                points -= part
            if not points:
                break
            heapq.heappop(self._ready)
            if part:
                emptied.append(order)
        for order in emptied:
            heapq.heappush(self._ready, order)
        return tuple(found.items())

    def next_at(self) -> datetime | None:
        """When points become available or expire next, after ``settled_to``."""
        coming = [at for at, _, lot in self._coming if self.holdings[lot].remaining]
        coming += [self.dies_at(one) or LAST for one in self._inactive.values() if one.remaining]
        return min(coming, default=None)

    def expired_of(self, key: str) -> int:
        """What expired of all that was granted for a key, and was not taken back meanwhile."""
        expired = sum(self.holdings[lot].expired for lot in self.by_key.get(key, ()))
        return max(expired - self.lapsed.get(key, 0), 0)

    def dies_at(self, holding: Holding) -> datetime | None:
        lot = holding.lot
        if lot.inactive_days is None:
            return lot.expires_at
        return self.doings.dies_at(lot.earned_at, lot.inactive_days)

    def entry_id(self, kind: str, of: str) -> str:
        """Of the next entry of a kind about something."""
        return f"{kind}:{of}:{self.times[f'{kind}:{of}'] + 1}"

    def _touch(self, entry: Entry, holding: Holding, points: int) -> None:
        holding.remaining += points
        self.remaining += points
        if holding.is_open:
            self._open += points
        if points > 0:
            holding.filled = self.number
        if points > 0 and (holding.is_open or holding.is_closed):
            self._refill(holding, entry.occurred_at)
        self._account(entry, holding, points)
        if not 0 <= holding.remaining <= holding.points:
            raise LedgerBroken(f"{entry.id}: lot {holding.lot.id} would hold {holding.remaining}")

    def _refill(self, holding: Holding, at: datetime) -> None:
        """What comes to a lot later repays a debt as well, and is gone at once if the lot is."""
        if holding.is_open:
            heapq.heappush(self._ready, holding.order)
            heapq.heappush(self._coming, (at, 0, holding.lot.id))
        elif holding.lot.inactive_days is None:
            gone = max(holding.lot.expires_at or at, at)
            heapq.heappush(self._coming, (gone, 1, holding.lot.id))
        else:
            self._next_death = FIRST

    def _account(self, entry: Entry, holding: Holding, points: int) -> None:
        totals = self.totals
        match entry.kind:
            case "redeem" | "redeem_cancel" if holding.points:  # not in a lot of its own
                holding.used -= points
                totals.used -= points
            case "adjust" if points < 0:
                holding.used -= points
                totals.used -= points
            case "reverse_earn" | "repay":
                holding.reversed -= points
                totals.reversed -= points
            case "expire":
                holding.expired -= points
                totals.expired -= points
            case _:
                holding.points += points
                totals.earned += points

    def _owe(self, entry: Entry) -> None:
        if entry.debt > 0 and not self.debt:
            self.debt_since, self.debt_recorded_at = entry.occurred_at, entry.recorded_at
            self.debt_number = self.number
        self.debt += entry.debt
        self.totals.lapsed += entry.lapsed
        self.totals.forgiven += entry.forgiven
        if self.debt < 0:
            raise LedgerBroken(f"{entry.id}: the debt would be {self.debt}")

    def _note(self, entry: Entry) -> None:
        self.times[f"{entry.kind}:{entry.of}"] += 1
        match entry.kind:
            case "earn" | "reverse_earn":
                self._grant(entry)
            case "redeem":
                self.redeemed[entry.of] = entry
                self._did(entry.occurred_at)
            case "redeem_cancel":
                self.cancelled.add(entry.of)
            case "adjust":
                self.adjusted[entry.of] = entry
            case "merge":
                self.merges.append(entry)

    def _grant(self, entry: Entry) -> None:
        """What is granted for a key, and whether that is a doing any more."""
        before = self.granted[entry.of]
        sign = 1 if entry.kind == "earn" else -1
        self.granted[entry.of] += sign * entry.points
        self.lapsed[entry.of] += entry.lapsed
        if not before:
            self._did(self._earned_at(entry.of))
        elif not self.granted[entry.of]:
            self.doings.remove(self._earned_at(entry.of))
            self._next_death = FIRST

    def _did(self, at: datetime) -> None:
        if not self.doings.is_last(at):
            self._next_death = FIRST
        self.doings.add(at)

    def _earned_at(self, key: str) -> datetime:
        return self.holdings[self.by_key[key][0]].lot.earned_at

    def _reach(self, at: datetime, holding: Holding, now: datetime) -> list[Entry]:
        if holding.is_closed or at >= (self.dies_at(holding) or LAST):
            return self._expire(holding, at, now)
        if holding.is_open:
            return self._repay(holding, at, now)
        holding.is_open = True
        self._open += holding.remaining
        heapq.heappush(self._ready, holding.order)
        return [*self._activate(holding, at, now), *self._repay(holding, at, now)]

    def _activate(self, holding: Holding, at: datetime, now: datetime) -> list[Entry]:
        """Told only of points that were pending."""
        lot = holding.lot
        is_told = self.times[f"activate:{lot.id}"] > 0
        if lot.available_at <= lot.earned_at or not holding.remaining or is_told:
            return []
        entry = Entry(
            self.entry_id("activate", lot.id), "activate", holding.remaining, at, now, lot.id
        )
        return self._made(entry)

    def _repay(self, holding: Holding, at: datetime, now: datetime) -> list[Entry]:
        """The next points that become available repay what is owed."""
        points = min(holding.remaining, self.debt)
        lot = holding.lot
        is_new = holding.filled > self.debt_number or lot.available_at > self.debt_recorded_at
        if not points or not is_new or (self.dies_at(holding) or LAST) <= self.debt_since:
            return []
        entry = Entry(
            self.entry_id("repay", lot.id),
            "repay",
            points,
            max(at, self.debt_since),
            now,
            lot.id,
            ((lot.id, -points),),
            debt=-points,
        )
        return self._made(entry)

    def _expire(self, holding: Holding, at: datetime, now: datetime) -> list[Entry]:
        if holding.is_open:
            self._open -= holding.remaining
        holding.is_open, holding.is_closed = False, True
        return self._expired(holding, at, now)

    def _expired(self, holding: Holding, at: datetime, now: datetime) -> list[Entry]:
        if not holding.remaining:
            return []
        lot, points = holding.lot, holding.remaining
        entry_id = self.entry_id("expire", lot.id)
        entry = Entry(entry_id, "expire", points, at, now, lot.id, ((lot.id, -points),))
        return self._made(entry)

    def _inactivity(self, now: datetime) -> list[Entry]:
        """Lots die together; one that a late fact keeps alive comes back."""
        if not self._inactive or now < self._next_death:
            return []
        made: list[Entry] = []
        deaths = [(self.dies_at(one) or LAST, name) for name, one in self._inactive.items()]
        for at, name in sorted(deaths):
            holding = self._inactive[name]
            if at <= now and (holding.remaining or not holding.is_closed):
                made += self._expire(holding, at, now)
            elif at > now and holding.is_closed:
                made += self._revive(holding, now)
        # Later doings only put it off; whatever else moves it asks for a new look.
        self._next_death = min((at for at, _ in deaths if at > now), default=LAST)
        return made

    def _revive(self, holding: Holding, now: datetime) -> list[Entry]:
        holding.is_closed, holding.is_open = False, True
        self._open += holding.remaining
        heapq.heappush(self._ready, holding.order)
        lot, points = holding.lot, min(holding.expired, self.expired_of(holding.lot.key))
        if not points:
            return []
        entry_id = self.entry_id("expire", lot.id)
        entry = Entry(entry_id, "expire", -points, now, now, lot.id, ((lot.id, points),))
        return self._made(entry)

    def _made(self, entry: Entry) -> list[Entry]:
        self.apply(entry)
        return [entry]
