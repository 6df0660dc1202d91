"""Learns who leaves at which renewal, by tenure alone or by what people do as well.

``lost[t]`` left at their t-th renewal, ``stayed[t]`` are still there after t renewals, t ≥ 1. The
log-likelihood is Σ lost_t·(ln S(t-1) + ln(chance to leave)) + Σ stayed_t·ln S(t), over the
logarithms of α and β.

>>> lost = {1: 131, 2: 126, 3: 90, 4: 60, 5: 42, 6: 34, 7: 26}
>>> found = fit_renewals(lost, {7: 491})
>>> round(found.model.alpha, 3), round(found.model.beta, 3)
(0.668, 3.806)

Source: Fader and Hardie 2007, whose "high end" customers the example is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import exp, log

from chalicelib.core.model import Json
from chalicelib.core.prediction import Gate, ModelCard
from chalicelib.localization import models
from chalicelib.localization import purchase_gates as say
from chalicelib.prediction.propensity import FieldModel, Propensity
from chalicelib.prediction.subscriptions import ShiftedBetaGeometric
from chalicelib.training.binning import Row
from chalicelib.training.fitting import FEWEST_FITTED
from chalicelib.training.optimiser import STEEPEST, Vector, minimise
from chalicelib.training.propensity import Trained, train
from chalicelib.training.rivals import Rival

FEWEST = 30
"""Who left, and who stayed at a renewal."""

_FAR = 9.0

HAZARD = "renewals"

_MOST_TENURES = 61
"""Renewals that are told apart by tenure alone; five years of months."""


@dataclass(frozen=True, slots=True)
class RenewalFit:
    """``model`` is None where the gate is not passed; ``n`` counts customers."""

    model: ShiftedBetaGeometric | None
    gate: Gate
    n: int
    log_likelihood: float | None = None

    def to_json(self) -> dict[str, Json]:
        """What training publishes of it."""
        return {**(self.model.to_json() if self.model else {}), "n": self.n}


def fit_renewals(lost: Mapping[int, int], stayed: Mapping[int, int]) -> RenewalFit:
    gone, still = _tenures(lost), _tenures(stayed)
    n = gone.total() + still.total()
    survivals = _survived(gone, still)
    if not n:
        return RenewalFit(None, Gate(passed=False, sentences=(say.no_renewals(),)), 0)
    renewed = sum(survivals.values())
    if gone.total() < FEWEST or renewed < FEWEST:
        few = say.too_few_renewals(gone.total(), renewed, FEWEST)
        return RenewalFit(None, Gate(passed=False, sentences=(few,)), n)
    best = minimise(lambda at: _mean(at, gone, survivals, n), (0.0, 0.0))
    if best.steepest >= STEEPEST or any(abs(at) > _FAR for at in best.at):
        return RenewalFit(None, Gate(passed=False, sentences=(say.no_maximum(),)), n)
    model = ShiftedBetaGeometric(*map(exp, best.at))
    told = Gate(passed=True, sentences=(say.renewals_fitted_on(gone.total(), renewed),))
    return RenewalFit(model, told, n, -best.value * n)


def train_hazard(  # noqa: PLR0913  what may be said of a training
    rows: Sequence[Row],
    left: Sequence[bool],
    times: Sequence[datetime],
    *,
    seed: int,
    horizon_days: int,
    survived: str,
    known_at: Sequence[datetime],
    by_tenure: ShiftedBetaGeometric | None,
    running: Rival | None = None,
    trained_at: datetime | None = None,
) -> Trained:
    """A discrete-time hazard: a logistic model of renewals, of who ``left`` at them, which
    was ``known_at`` some time within ``horizon_days``.

    It needs 120 who left and as many who stayed, and has to foretell the newest better than the
    model in force or, before there is one, than ``by_tenure``, which serves without it and goes by
    the field ``survived`` alone.

    Source: Singer and Willett 1993, "It's about time".
    """
    gone = sum(left)
    stayed = len(left) - gone
    if min(gone, stayed) < FEWEST_FITTED:
        few = say.too_few_for_use(gone, stayed, FEWEST_FITTED)
        figures: dict[str, Json] = {"n": len(left), "left": gone}
        return Trained(None, ModelCard(HAZARD, Gate(False, (few,)), figures, trained_at))
    found = train(
        rows, left, times,
        seed=seed, horizon_days=horizon_days, name=HAZARD, keep=(survived,),
        known_at=known_at,
        rival=running or _alone(by_tenure, survived, horizon_days, len(left)),
        trained_at=trained_at,
    )  # fmt: skip
    return _in_terms_of_renewals(found, stayed, gone)


def _alone(
    model: ShiftedBetaGeometric | None, survived: str, horizon_days: int, n: int
) -> Rival | None:
    if model is None:
        return None
    return Rival(tenure_model(model, survived, horizon_days, n), models.BY_TENURE)


def tenure_model(
    model: ShiftedBetaGeometric, survived: str, horizon_days: int, n: int
) -> Propensity:
    """The same chances as a model of one field."""
    odds = [_log_odds(model.leaves_at(t)) for t in range(_MOST_TENURES)]
    edges = tuple(float(t) for t in range(_MOST_TENURES - 1))
    field = FieldModel(survived, edges, (), (*(one - odds[0] for one in odds), 0.0, 0.0))
    return Propensity("logistic", odds[0], (field,), None, "trusted", horizon_days, n)


def _in_terms_of_renewals(found: Trained, stayed: int, gone: int) -> Trained:
    """A renewal has no success."""
    gate = found.card.gate
    if not gate.passed:
        return found
    told = (say.use_fitted_on(gone, stayed), *gate.sentences[1:])
    return replace(found, card=replace(found.card, gate=replace(gate, sentences=told)))


def _log_odds(chance: float) -> float:
    return log(chance / (1 - chance))


def _tenures(counts: Mapping[int, int]) -> Counter[int]:
    return Counter({t: n for t, n in counts.items() if t >= 1 and n > 0})


def _survived(gone: Counter[int], still: Counter[int]) -> Mapping[int, int]:
    """How many came through their t-th renewal."""
    return dict(_survivals(gone, still))


def _survivals(gone: Counter[int], still: Counter[int]) -> Iterator[tuple[int, int]]:
    last = max([*gone, *still], default=0)
    for t in range(1, last + 1):
        left_later = sum(n for at, n in gone.items() if at > t)
        yield t, left_later + sum(n for at, n in still.items() if at >= t)


def _mean(
    at: Vector, gone: Mapping[int, int], survived: Mapping[int, int], n: int
) -> tuple[float, Vector]:
    """The negative mean log-likelihood by ln α and ln β, and its gradient.

    As a product over renewals: of each, β+t-1 to α for staying, out of α+β+t-1.
    """
    alpha, beta = map(exp, at)
    value = by_alpha = by_beta = 0.0
    for t, stay in survived.items():
        leave, whole, kept = gone.get(t, 0), alpha + beta + t - 1, beta + t - 1
        value += leave * log(alpha / whole) + stay * log(kept / whole)
        by_alpha += leave / alpha - (leave + stay) / whole
        by_beta += stay / kept - (leave + stay) / whole
    return -value / n, (-alpha * by_alpha / n, -beta * by_beta / n)
