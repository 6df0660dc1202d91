"""What kind of model the outcomes allow, and that model.

Weights of a logistic regression are told as deviations from a field's mean in training, and the
base takes the means. Counters say κ times their log-likelihood ratios; κ and the base are fitted by
Platt's way to what counters say of rows that they did not count, as soon as there are 200 of these.

Source: Peduzzi and others 1996 for ten outcomes per parameter; Platt 1999.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.core.model import Text
from chalicelib.localization import models as say
from chalicelib.prediction.propensity import FieldModel, Kind, Label, Propensity
from chalicelib.training import logistic, naive_bayes
from chalicelib.training.binning import RANGES, Row, Table, binned, levels_of, quantiles
from chalicelib.training.calibration import FEWEST_HELD_OUT, platt
from chalicelib.training.cases import Cases, folds_of

FEWEST_COUNTED = 30
FEWEST_FITTED = 120
PER_PARAMETER = 10
"""Outcomes of the rarer kind."""

_COARSER = (RANGES, 5, 3)
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What the data allow; ``ranges`` are those that numbers are cut into at most."""

    kind: Kind
    ranges: int
    horizon_days: int


def plan_of(cases: Cases, horizon_days: int) -> Plan | Text:
    """Or why there is none."""
    if not cases.rows:
        return say.nothing_to_learn_from()
    if cases.rarer < FEWEST_COUNTED:
        return say.too_few_outcomes(cases.did, len(cases.rows) - cases.did, FEWEST_COUNTED)
    if cases.rarer >= FEWEST_FITTED:
        for ranges in _COARSER:
            table = binned(cases.rows, ranges)
            if not table.fields:
                return say.nothing_tells_apart()
            if cases.rarer >= PER_PARAMETER * table.free_parameters:
                return Plan("logistic", ranges, horizon_days)
    if not binned(cases.rows).fields:
        return say.nothing_tells_apart()
    return Plan("naive_bayes", RANGES, horizon_days)


def fit(cases: Cases, plan: Plan) -> Propensity | Text:
    """Or why there is none."""
    if not cases.rarer:
        return say.nothing_tells_apart()
    return _fitted(cases, plan) if plan.kind == "logistic" else _counted(cases, plan)


def _fitted(cases: Cases, plan: Plan) -> Propensity | Text:
    table = binned(cases.rows, plan.ranges)
    if not table.fields:
        return say.nothing_tells_apart()
    found = logistic.fit(table.columns, _sizes(table), cases.outcomes)
    if not found.converged:
        return say.not_converged()
    means = [
        math.fsum(weight * count for weight, count in zip(weights, field.counts, strict=True))
        / len(cases.rows)
        for field, weights in zip(table.fields, found.weights, strict=True)
    ]
    centred = [
        [weight - mean for weight in weights]
        for weights, mean in zip(found.weights, means, strict=True)
    ]
    base = math.fsum([found.base, *means])
    return _propensity(plan, base, _weighted(table, centred), len(cases.rows), cases.rows)


def _counted(cases: Cases, plan: Plan) -> Propensity | Text:
    """With κ and the base by Platt's way, as soon as there are rows enough."""
    table = binned(cases.rows, plan.ranges)
    if not table.fields:
        return say.nothing_tells_apart()
    found = naive_bayes.fit(table.columns, _sizes(table), cases.outcomes)
    fields = _weighted(table, found.weights)
    raw = _propensity(plan, found.base, fields, len(cases.rows), cases.rows)
    if len(cases.rows) >= FEWEST_HELD_OUT:
        shift = platt(_scores_of_others(table, cases.outcomes), cases.outcomes)
        # A negative κ would turn all that was counted upside down.
        if shift[0] > 0:
            return raw.recalibrated(shift)
    kappa = naive_bayes.KAPPA
    return replace(raw.recalibrated((kappa, (1 - kappa) * found.base)), platt=None)


def _scores_of_others(table: Table, outcomes: Sequence[bool]) -> list[float]:
    """What counters say of each row that did not count it."""
    scores = [0.0] * len(outcomes)
    for fold in folds_of(outcomes, _FOLDS, seed=0):
        counting = [place for place in range(len(outcomes)) if place not in fold]
        columns = [[column[place] for place in counting] for column in table.columns]
        found = naive_bayes.fit(columns, _sizes(table), [outcomes[place] for place in counting])
        for place in fold:
            pairs = zip(found.weights, table.columns, strict=True)
            parts = [weights[column[place]] for weights, column in pairs]
            scores[place] = math.fsum([found.base, *parts])
    return scores


def _sizes(table: Table) -> list[int]:
    return [len(field.weights) for field in table.fields]


def _weighted(table: Table, weights: Sequence[Sequence[float]]) -> tuple[FieldModel, ...]:
    """A level that nobody had says nothing."""
    return tuple(
        replace(
            field,
            weights=tuple(
                weight if count else 0.0 for weight, count in zip(parts, field.counts, strict=True)
            ),
        )
        for field, parts in zip(table.fields, weights, strict=True)
    )


def _propensity(
    plan: Plan, base: float, fields: tuple[FieldModel, ...], n: int, rows: Sequence[Row]
) -> Propensity:
    label: Label = "trusted" if plan.kind == "logistic" else "learning"
    bare = Propensity(plan.kind, base, fields, None, label, plan.horizon_days, n)
    scores = sorted(_log_odds(bare, rows))
    edges = sorted({edge for edge in quantiles(scores, RANGES) if edge < scores[-1]})
    below = [sum(score <= edge for score in scores) for edge in edges]
    counts = [b - a for a, b in zip([0, *below], [*below, len(scores)], strict=True)]
    return replace(bare, score_edges=tuple(edges), score_counts=tuple(counts))


def _log_odds(model: Propensity, rows: Sequence[Row]) -> list[float]:
    """Of all rows at once, field by field."""
    columns = [
        [field.weights[level] for level in levels]
        for field, levels in zip(model.fields, levels_of(model.fields, rows), strict=True)
    ]
    return [model.base + math.fsum(parts) for parts in zip(*columns, strict=True)]
