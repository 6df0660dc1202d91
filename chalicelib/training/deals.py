"""How likely open deals are to be won, learned of those that ended.

A deal that ended is looked at as it was at some age at which open deals are now: one is drawn of
theirs by the deal's id. One that had ended by that age tells nothing: were it looked at younger
instead, those that end soon, which are mostly won, would count more often than they are met open.
Who was won later than within the horizon was not won. Neither does an open deal tell anything, as
its end is not known. Where no model is in force yet, the model has to foretell the newest better
than the shares of deals that were won from each stage, which serve without it.

>>> deals = {str(n): ClosedDeal({"intro": 20.0, "offer": 5.0}, n % 2 == 1) for n in range(9)}
>>> snapshots = list(snapshots_of(deals, [3.0, 16.0, 90.0], horizon_days=90))
>>> sorted({(one.row["stage"], one.row["age_days"]) for one in snapshots})
[('intro', 3.0), ('offer', 16.0)]

Source: the landmark of van Houwelingen 2007, drawn per deal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple, cast

from chalicelib.core.funnel import STAGES, ClosedDeal
from chalicelib.localization import models as say
from chalicelib.prediction.deals import row_of
from chalicelib.prediction.propensity import FieldModel, Propensity, Value
from chalicelib.training.propensity import Trained, train
from chalicelib.training.stages import stage_probabilities

HORIZON_DAYS = 365
NAME = "deals"


class Snapshot(NamedTuple):
    """``days_before`` the end."""

    id: str
    row: Mapping[str, Value]
    won: bool
    days_before: float


def train_deals(  # noqa: PLR0913  what may be said of a training
    deals: Mapping[str, ClosedDeal],
    open_ages: Iterable[float],
    *,
    seed: int,
    horizon_days: int = HORIZON_DAYS,
    ended: Mapping[str, datetime] | None = None,
    more: Mapping[str, Mapping[str, Value]] | None = None,
    running: Propensity | None = None,
    segment: str = "",
    trained_at: datetime | None = None,
) -> Trained:
    """``open_ages`` are those of all open deals, in days.

    With ``ended``, by id, the newest judge; ``more`` has further fields of a deal as they were
    before it ended, and deals of one value of ``segment`` get a model of their own where that is
    better.
    """
    found = list(snapshots_of(deals, open_ages, horizon_days, more))
    times = None
    if ended is not None:
        found = [one for one in found if one.id in ended]
        times = [ended[one.id] - timedelta(days=one.days_before) for one in found]
    return train(
        [one.row for one in found],
        [one.won for one in found],
        times,
        seed=seed,
        horizon_days=horizon_days,
        name=NAME,
        running=running or shares_of(deals.values(), horizon_days),
        running_name=say.RUNNING if running else say.STAGE_SHARES,
        segment=segment,
        trained_at=trained_at,
    )


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
    open_ages: Iterable[float],
    horizon_days: int,
    more: Mapping[str, Mapping[str, Value]] | None = None,
) -> Iterator[Snapshot]:
    """In the order of ids. A deal that was seen in no stage, or for no time, tells nothing."""
    ages = sorted(age for age in open_ages if age >= 0)
    for name in sorted(deals):
        left = deals[name].days_left
        lasted = max(left.values(), default=0.0)
        age = _age(name, ages, lasted)
        if age >= lasted:
            continue
        before = lasted - age
        since = {stage: days - before for stage, days in left.items() if days >= before}
        won = deals[name].won and before <= horizon_days
        yield Snapshot(name, row_of(since, (more or {}).get(name, {})), won, before)


def _age(name: str, ages: Sequence[float], lasted: float) -> float:
    """Of an open deal; any age where none is open."""
    share = int.from_bytes(sha256(name.encode()).digest()[:8]) / 2**64
    return ages[int(share * len(ages))] if ages else share * lasted
