"""A model of who will do what is hoped for, if there is enough to learn from and it proves itself.

With fewer than 30 outcomes of either kind nothing is learned. From then on levels are counted
(naive Bayes, "learning"); from 120 on, with ten outcomes of the rarer kind per free parameter, the
model is a logistic regression ("trusted"), with fewer ranges of numbers if that makes it possible.

The model is fitted on the older four fifths and judged by the newest: it has to foretell them with
less log-loss than the base rate. Than the model in force it has to be better on cases that neither
knew (:mod:`chalicelib.training.rivals`). Only then is the same kind of model fitted on all. Fields
that the outcome seems to fill are left out, and are named.

Source: Peduzzi and others 1996 for ten outcomes per parameter; Platt 1999 for κ and the base.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.model import Json, Text
from chalicelib.core.prediction import Gate, ModelCard
from chalicelib.localization import models as say
from chalicelib.prediction.propensity import Propensity, Shift
from chalicelib.training.binning import Row
from chalicelib.training.calibration import FEWEST_FOR_ISOTONIC, isotonic
from chalicelib.training.cases import Cases, folds_of, ordered, usable
from chalicelib.training.fitting import FEWEST_FITTED, Plan, fit, plan_of
from chalicelib.training.leaks import Lags
from chalicelib.training.metrics import (
    Bin,
    auc,
    brier,
    deciles,
    expected_calibration_error,
    lift_at,
    log_loss,
    log_losses,
    mean_interval,
    reliability,
    share_in_top,
)
from chalicelib.training.rivals import Rival, against
from chalicelib.training.segments import with_segments

_DIGITS = 6
_CURVE_POINTS = 50


@dataclass(frozen=True, slots=True)
class Trained:
    """``model`` is None where the gate says why."""

    model: Propensity | None
    card: ModelCard

    @property
    def gate(self) -> Gate:
        return self.card.gate


@dataclass(frozen=True, slots=True)
class _Judged:
    """How the newest were foretold; ``why`` says that they were not, or no better."""

    passed: bool
    sentences: tuple[Text, ...]
    figures: Mapping[str, Json]


def train(  # noqa: PLR0913  what may be said of a training
    rows: Sequence[Row],
    outcomes: Sequence[bool],
    times: Sequence[datetime] | None,
    *,
    seed: int,
    horizon_days: int,
    name: str = "propensity",
    exclude: Collection[str] = (),
    keep: Collection[str] = (),
    lags: Lags | None = None,
    known_at: Sequence[datetime] | None = None,
    rival: Rival | None = None,
    segment: str = "",
    trained_at: datetime | None = None,
) -> Trained:
    """``rows`` are snapshots of closed cases, taken at ``times`` before each was closed, which was
    at ``known_at``.

    Without ``times`` the fifth that judges is drawn by lot. ``lags``, by row, tell when fields were
    last changed (:mod:`chalicelib.training.leaks`); fields in ``keep`` are used although they look
    filled by the outcome, or name an owner. Rows of one value of ``segment`` get a model of their
    own where that proves better than the one of all. ``rival`` is what is in force; it is asked
    without the fields that may no longer be used, for otherwise one that lives on a leak could
    never be replaced. Raises ValueError where the lengths differ.
    """
    used, said = usable(rows, outcomes, exclude, keep, lags)
    cases = ordered(used, outcomes, times, seed, known_at)
    plan = plan_of(cases, horizon_days)
    if isinstance(plan, Text):
        return _refused(name, (plan, *said), _counts(cases), trained_at)
    judged = _judged(cases, plan, rival, segment)
    if times is None:
        said = (*said, say.judged_by_lot())
    if not judged.passed:
        return _refused(name, (*judged.sentences, *said), judged.figures, trained_at)
    model = fit(cases, plan)
    if isinstance(model, Text):
        return _refused(name, (model, *said), judged.figures, trained_at)
    model, told, figures = with_segments(model, cases, plan, segment)
    sentences = (say.learned_of(len(cases.rows), cases.did), *judged.sentences, *told, *said)
    figures = {**judged.figures, **_of_the_model(model, cases), **figures}
    return Trained(model, ModelCard(name, Gate(True, sentences), figures, trained_at))


def out_of_fold(
    rows: Sequence[Row], outcomes: Sequence[bool], *, folds: int = 5, seed: int = 0
) -> list[float]:
    """What is foretold of each row by a model of the other folds, which are stratified.

    Raises ValueError where the rows allow no model at all.
    """
    cases = Cases(list(rows), list(map(bool, outcomes)))
    plan = plan_of(cases, 0)
    if isinstance(plan, Text):
        raise ValueError(plan.en)  # noqa: TRY004  a refusal, not a wrong type
    chances = [0.0] * len(rows)
    for fold in folds_of(cases.outcomes, folds, seed):
        others = cases.chosen(set(range(len(rows))) - fold)
        model, share = fit(others, plan), others.did / len(others.rows)
        for place in fold:
            chances[place] = share if isinstance(model, Text) else model.probability(rows[place])
    return chances


def _judged(cases: Cases, plan: Plan, rival: Rival | None, segment: str) -> _Judged:
    older, newest = cases.parted()
    model = fit(older, plan)
    counts = _counts(cases)
    if not newest.rarer or not older.rarer:
        return _Judged(False, (say.one_outcome_only(len(newest.rows)),), counts)
    if isinstance(model, Text):
        return _Judged(False, (model,), counts)
    chances = [model.probability(row) for row in newest.rows]
    base = [older.did / len(older.rows)] * len(chances)
    figures: dict[str, Json] = {**counts, **_figures(chances, base, newest.outcomes)}
    verdicts = [_against_the_base_rate(chances, base, newest.outcomes)]
    if rival:
        found = against(rival, chances, newest, cases, plan, segment)
        figures |= found.figures
        verdicts.append((found.better, found.text))
    passed = all(good for good, _ in verdicts)
    told = tuple(text for good, text in verdicts if text and (passed or not good))
    learning = plan.kind == "naive_bayes" and passed
    also = (say.still_learning(FEWEST_FITTED),) if learning else ()
    return _Judged(passed, told + also, figures)


def _against_the_base_rate(
    chances: Sequence[float], base: Sequence[float], outcomes: Sequence[bool]
) -> tuple[bool, Text | None]:
    loss, rival = log_loss(chances, outcomes), log_loss(base, outcomes)
    if loss < rival:
        return True, say.beats_the_base_rate(loss, rival, len(outcomes))
    return False, say.does_not_beat_the_base_rate(loss, rival, len(outcomes))


def _refused(
    name: str,
    sentences: tuple[Text, ...],
    figures: Mapping[str, Json],
    trained_at: datetime | None,
) -> Trained:
    return Trained(None, ModelCard(name, Gate(False, sentences), figures, trained_at))


def _counts(cases: Cases) -> dict[str, Json]:
    return {"n": len(cases.rows), "successes": cases.did}


def _figures(
    chances: Sequence[float], base: Sequence[float], outcomes: Sequence[bool]
) -> dict[str, Json]:
    """Of the newest fifth. ``gain`` is in log-loss per case, with its interval of 95 %."""
    pairs = zip(log_losses(base, outcomes), log_losses(chances, outcomes), strict=True)
    gains = [before - after for before, after in pairs]
    low, high = mean_interval(gains)
    area = auc(chances, outcomes)
    figures: dict[str, Json] = {
        "tested": len(outcomes),
        "tested_successes": sum(outcomes),
        "auc": None if area is None else _round(area),
        "log_loss": _round(log_loss(chances, outcomes)),
        "base_log_loss": _round(log_loss(base, outcomes)),
        "gain": [_round(low), _round(high)],
        "brier": _round(brier(chances, outcomes)),
        "ece": _round(expected_calibration_error(chances, outcomes)),
        "lift_top_10": _round(lift_at(chances, outcomes, 0.1) or 0.0),
        "share_top_20": _round(share_in_top(chances, outcomes, 0.2) or 0.0),
        "deciles": _bins(deciles(chances, outcomes)),
        "reliability": _bins(reliability(chances, outcomes)),
    }
    if len(outcomes) >= FEWEST_FOR_ISOTONIC:
        line = isotonic(chances, outcomes)
        points = list(zip(line.scores, line.chances, strict=True))
        step = max(1, len(points) // _CURVE_POINTS)
        figures["calibration_curve"] = [[_round(x), _round(y)] for x, y in points[::step]]
    return figures


def _bins(bins: Iterable[Bin]) -> Json:
    return [[one.rows, _round(one.foretold), _round(one.happened)] for one in bins]


def _of_the_model(model: Propensity, cases: Cases) -> dict[str, Json]:
    levels = sum(sum(map(bool, field.counts)) - 1 for field in model.fields) + 1
    shift: Shift | None = model.platt
    return {
        "kind": model.kind,
        "label": model.label,
        "fields": [field.name for field in model.fields],
        "free_parameters": levels,
        "outcomes_per_parameter": _round(cases.rarer / levels),
        "platt": None if shift is None else [_round(one) for one in shift],
    }


def _round(value: float) -> float:
    return round(value, _DIGITS)
