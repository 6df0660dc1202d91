"""How likely open deals are to be won, learned of those that ended.

A deal is looked at as it was at some age at which open deals are now: one is drawn of theirs by the
deal's id. One that had ended by that age tells nothing: were it looked at younger instead, those
that end soon, which are mostly won, would count more often than they are met open. Who was won
later than within the horizon was not won, and nor was a deal that is still open a horizon later;
the end of one that is younger is not known, and it tells nothing.

Deals that nobody ever closes grow older than others become. An age of theirs would be drawn in
vain for nearly all that ended, so each deal is looked at twice: at an age by which 95 of 100 of
those that ended were still to be met open, and at an age beyond.

Where no model is in force yet, the model has to foretell the newest better than the shares of deals
that were won from each stage, which serve without it.

>>> deals = {str(n): ClosedDeal({"intro": 20.0, "offer": 5.0}, n % 2 == 1) for n in range(9)}
>>> still_open = {"a": {"intro": 3.0}, "b": {"intro": 16.0}, "c": {"intro": 130.0}}
>>> snapshots = list(snapshots_of(deals, still_open, horizon_days=90))
>>> sorted({(one.row["stage"], one.row["age_days"], one.id == "c") for one in snapshots})
[('intro', 3.0, False), ('intro', 3.0, True), ('offer', 16.0, False)]

Source: the landmark of van Houwelingen 2007, drawn per deal.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import NamedTuple, cast

from chalicelib.core.funnel import STAGES, ClosedDeal
from chalicelib.localization import models as say
from chalicelib.prediction.deals import row_of
from chalicelib.prediction.propensity import FieldModel, Propensity, Value
from chalicelib.training.propensity import Trained, train
from chalicelib.training.rivals import Rival
from chalicelib.training.stages import stage_probabilities

HORIZON_DAYS = 365
NAME = "deals"


USUAL = 0.95
"""The share of deals that ended whose lives are called usual."""

PATIENCE = 2
"""After so many times as long as a deal usually lasts, one that is open still will not be won."""


class Snapshot(NamedTuple):
    """``days_before`` the deal's end, or before now of one that is open; its outcome was known
    ``days_known`` before.
    """

    id: str
    row: Mapping[str, Value]
    won: bool
    days_before: float
    days_known: float = 0.0


def train_deals(  # noqa: PLR0913  what may be said of a training
    deals: Mapping[str, ClosedDeal],
    still_open: Mapping[str, Mapping[str, float]],
    *,
    seed: int,
    horizon_days: int = HORIZON_DAYS,
    ended: Mapping[str, datetime] | None = None,
    more: Mapping[str, Mapping[str, Value]] | None = None,
    running: Rival | None = None,
    segment: str = "",
    trained_at: datetime | None = None,
) -> Trained:
    """``still_open`` has the days since open deals came into each stage that they have seen.

    With ``ended``, by id, those judge whose outcome was known last; of an open deal it says as of
    when it is open. ``more`` has further fields of a deal as they were before it ended, and deals
    of one value of ``segment`` get a model of their own where that is better.
    """
    found = list(snapshots_of(deals, still_open, horizon_days, more))
    times = None
    if ended is not None:
        found = [one for one in found if one.id in ended]
        times = [ended[one.id] - timedelta(days=one.days_known) for one in found]
    return train(
        [one.row for one in found],
        [one.won for one in found],
        times,
        seed=seed,
        horizon_days=horizon_days,
        name=NAME,
        known_at=times,
        rival=running or _shares(deals, horizon_days),
        segment=segment,
        trained_at=trained_at,
    )


def _shares(deals: Mapping[str, ClosedDeal], horizon_days: int) -> Rival | None:
    shares = shares_of(deals.values(), horizon_days)
    return Rival(shares, say.STAGE_SHARES) if shares else None


def shares_of(deals: Iterable[ClosedDeal], horizon_days: int) -> Propensity | None:
    """What stages alone tell, as a model; None where all deals, or none, were won."""
    closed = list(deals)
    won = sum(deal.won for deal in closed)
    if not 0 < won < len(closed):
        return None
    shares = cast(Mapping[str, float], stage_probabilities(closed)["p"])
    base = _log_odds(won / len(closed))
    weights = [_log_odds(shares[stage]) - base for stage in STAGES]
    field = FieldModel("stage", None, tuple(STAGES), (*weights, 0.0, 0.0))
    return Propensity("logistic", base, (field,), None, "trusted", horizon_days, len(closed))


def _log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def snapshots_of(
    deals: Mapping[str, ClosedDeal],
    still_open: Mapping[str, Mapping[str, float]],
    horizon_days: int,
    more: Mapping[str, Mapping[str, Value]] | None = None,
) -> Iterator[Snapshot]:
    """In the order of ids. A deal that was seen in no stage, or for no time, tells nothing."""
    looks = _Looks.of(deals.values(), still_open.values(), horizon_days)
    forgotten = {name: ClosedDeal(since, won=False) for name, since in still_open.items()}
    for name in sorted(deals.keys() | forgotten.keys()):
        is_open = name not in deals
        deal, also = forgotten[name] if is_open else deals[name], (more or {}).get(name, {})
        yield from (
            Snapshot(name, row_of(since, also), deal.won and before <= horizon_days, before, known)
            for since, before, known in looks.at(name, deal, looks.patience if is_open else 0.0)
        )


Look = tuple[dict[str, float], float, float]
"""Days since each stage then, days from then to the end, and for how many of them the outcome was
known.
"""


@dataclass(frozen=True, slots=True)
class _Looks:
    """``usual`` is the age by which nearly all deals ended; ``younger`` are the ages of open deals
    until then, ``older`` those beyond.
    """

    usual: float
    younger: Sequence[float]
    older: Sequence[float]
    patience: float

    @classmethod
    def of(
        cls,
        closed: Iterable[ClosedDeal],
        still_open: Iterable[Mapping[str, float]],
        horizon_days: float,
    ) -> _Looks:
        lives = sorted(filter(None, (_lasted(one.days_left) for one in closed)))
        usual = lives[ceil(USUAL * len(lives)) - 1] if lives else 0.0
        ages = sorted(_lasted(since) for since in still_open if since)
        edge = bisect_right(ages, usual)
        patience = min(horizon_days, PATIENCE * usual or horizon_days)
        return cls(usual, ages[:edge], ages[edge:], patience)

    def at(self, name: str, deal: ClosedDeal, wait: float) -> Iterator[Look]:
        """The looks at a deal after which it was open for longer than ``wait``."""
        lasted = _lasted(deal.days_left)
        for age in self._ages(name):
            before = lasted - age
            if before > wait:
                left = deal.days_left.items()
                since = {stage: days - before for stage, days in left if days >= before}
                yield since, before, before - wait if wait else 0.0

    def _ages(self, name: str) -> Iterator[float]:
        """Of open deals; any usual age where none is as young as that."""
        share = int.from_bytes(sha256(name.encode()).digest()[:8]) / 2**64
        yield self.younger[int(share * len(self.younger))] if self.younger else share * self.usual
        if self.older:
            yield self.older[int(share * len(self.older))]


def _lasted(days_left: Mapping[str, float]) -> float:
    return max(days_left.values(), default=0.0)
