"""A model of who will do what is hoped for, if there is enough to learn from and it proves itself.

With fewer than 30 outcomes of either kind nothing is learned. From then on levels are counted
(naive Bayes, "learning"); from 120 on, with ten outcomes of the rarer kind per free parameter, the
model is a logistic regression ("trusted"), with fewer ranges of numbers if that makes it possible.

The model is fitted on the older four fifths and judged by the newest: it has to foretell them with
less log-loss than the base rate and than the model in force. Only then is the same kind of model
fitted on all. Fields that the outcome seems to fill are left out, and are named.

Source: Peduzzi and others 1996 for ten outcomes per parameter; Platt 1999 for κ and the base.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from random import Random

from chalicelib.core.model import Json, Text
from chalicelib.core.prediction import Gate, ModelCard
from chalicelib.localization import models as say
from chalicelib.prediction.propensity import (
    FieldModel,
    Kind,
    Label,
    Propensity,
    Shift,
    is_missing,
    written,
)
from chalicelib.training import logistic, naive_bayes
from chalicelib.training.binning import RANGES, Row, Table, binned, levels_of, quantiles
from chalicelib.training.calibration import (
    FEWEST_FOR_ISOTONIC,
    FEWEST_HELD_OUT,
    isotonic,
    platt,
)
from chalicelib.training.leaks import Lags, leaks
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

FEWEST_COUNTED = 30
FEWEST_FITTED = 120
PER_PARAMETER = 10
"""Outcomes of the rarer kind."""

NEWEST = 0.2
_COARSER = (RANGES, 5, 3)
_FOLDS = 5
_DIGITS = 6

_NAMES = {"name", "firstname", "lastname", "fullname", "middlename", "nickname", "surname"}
_NEVER = _NAMES | {"gender", "sex", "email", "emailaddress", "emaillocalpart"}
_OWNERS = {"owner", "ownerid", "hubspotownerid"}
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
class Plan:
    """What the data allow; ``ranges`` are those that numbers are cut into at most."""

    kind: Kind
    ranges: int
    horizon_days: int


@dataclass(frozen=True, slots=True)
class _Cases:
    """The older first."""

    rows: list[Row]
    outcomes: list[bool]

    @property
    def did(self) -> int:
        return sum(self.outcomes)

    @property
    def rarer(self) -> int:
        return min(self.did, len(self.outcomes) - self.did)

    def parted(self) -> tuple[_Cases, _Cases]:
        """The older four fifths and the newest."""
        edge = len(self.rows) - round(NEWEST * len(self.rows))
        return (
            _Cases(self.rows[:edge], self.outcomes[:edge]),
            _Cases(self.rows[edge:], self.outcomes[edge:]),
        )

    def chosen(self, places: Iterable[int]) -> _Cases:
        kept = list(places)
        return _Cases([self.rows[one] for one in kept], [self.outcomes[one] for one in kept])


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
    running: Propensity | None = None,
    segment: str = "",
    trained_at: datetime | None = None,
) -> Trained:
    """``rows`` are snapshots of closed cases, taken at ``times`` before each was closed.

    Without ``times`` the fifth that judges is drawn by lot. ``lags``, by row, tell when fields were
    last changed (:mod:`chalicelib.training.leaks`); fields in ``keep`` are used although they look
    filled by the outcome, or name an owner. Rows of one value of ``segment`` get a model of their
    own where that proves better than the one of all. Raises ValueError where the lengths differ.
    """
    used, said = _usable(rows, outcomes, exclude, keep, lags)
    cases = _ordered(used, outcomes, times, seed)
    plan = _plan(cases, horizon_days)
    if isinstance(plan, Text):
        return _refused(name, (plan, *said), _counts(cases), trained_at)
    judged = _judged(cases, plan, _ordered(rows, outcomes, times, seed), running)
    if times is None:
        said = (*said, say.judged_by_lot())
    if not judged.passed:
        return _refused(name, (*judged.sentences, *said), judged.figures, trained_at)
    model = _fit(cases, plan)
    if model is None:
        return _refused(name, (say.nothing_tells_apart(), *said), judged.figures, trained_at)
    model, told, figures = _with_segments(model, cases, plan, segment)
    sentences = (say.learned_of(len(cases.rows), cases.did), *judged.sentences, *told, *said)
    figures = {**judged.figures, **_of_the_model(model, cases), **figures}
    return Trained(model, ModelCard(name, Gate(True, sentences), figures, trained_at))


def out_of_fold(
    rows: Sequence[Row], outcomes: Sequence[bool], *, folds: int = 5, seed: int = 0
) -> list[float]:
    """What is foretold of each row by a model of the other folds, which are stratified.

    Raises ValueError where the rows allow no model at all.
    """
    cases = _Cases(list(rows), list(map(bool, outcomes)))
    plan = _plan(cases, 0)
    if isinstance(plan, Text):
        raise ValueError(plan.en)  # noqa: TRY004  a refusal, not a wrong type
    chances = [0.0] * len(rows)
    for fold in _folds(cases.outcomes, folds, seed):
        model = _fit(cases.chosen(set(range(len(rows))) - fold), plan)
        for place in fold if model else ():
            assert model
            chances[place] = model.probability(rows[place])
    return chances


def _folds(outcomes: Sequence[bool], folds: int, seed: int) -> list[set[int]]:
    chance = Random(seed)  # noqa: S311  not a secret
    found: list[set[int]] = [set() for _ in range(folds)]
    for wanted in (True, False):
        places = [place for place, outcome in enumerate(outcomes) if outcome is wanted]
        chance.shuffle(places)
        for order, place in enumerate(places):
            found[order % folds].add(place)
    return found


def _usable(
    rows: Sequence[Row],
    outcomes: Sequence[bool],
    exclude: Collection[str],
    keep: Collection[str],
    lags: Lags | None,
) -> tuple[list[Row], tuple[Text, ...]]:
    """The rows without what may not be used, and what is to be said of that."""
    names = {name for row in rows for name in row}
    personal = {name for name in names if _is_personal(name, keep)}
    gone = personal | set(exclude)
    left = [_without(row, gone) for row in rows]
    found = [leak for leak in leaks(left, outcomes, lags) if leak.field not in keep]
    said: list[Text] = [leak.sentence for leak in found]
    if personal:
        said.append(say.not_used(sorted(personal), say.PERSONAL))
    return [_without(row, {leak.field for leak in found}) for row in left], tuple(said)


def _is_personal(name: str, keep: Collection[str]) -> bool:
    key = "".join(filter(str.isalnum, name.casefold()))
    return key in _NEVER or (key in _OWNERS and name not in keep)


def _without(row: Row, names: Collection[str]) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _ordered(
    rows: Sequence[Row],
    outcomes: Sequence[bool],
    times: Sequence[datetime] | None,
    seed: int,
) -> _Cases:
    if len(rows) != len(outcomes) or (times is not None and len(times) != len(rows)):
        raise ValueError("as many outcomes and times as rows are needed")
    order = list(range(len(rows)))
    # Of one instant the order says nothing, and rows often come sorted by their outcome.
    Random(seed).shuffle(order)  # noqa: S311  not a secret
    if times is not None:
        order.sort(key=lambda place: times[place])
    return _Cases(list(rows), list(map(bool, outcomes))).chosen(order)


def _plan(cases: _Cases, horizon_days: int) -> Plan | Text:
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


def _fit(cases: _Cases, plan: Plan) -> Propensity | None:
    """None where all that is left looks alike."""
    if not cases.rarer:
        return None
    return _fitted(cases, plan) if plan.kind == "logistic" else _counted(cases, plan)


def _fitted(cases: _Cases, plan: Plan) -> Propensity | None:
    """Weights are told as deviations from a field's mean in training, the base takes the means."""
    table = binned(cases.rows, plan.ranges)
    if not table.fields:
        return None
    found = logistic.fit(table.columns, _sizes(table), cases.outcomes)
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


def _counted(cases: _Cases, plan: Plan) -> Propensity | None:
    """With κ and the base by Platt's way, as soon as there are rows enough."""
    table = binned(cases.rows, plan.ranges)
    if not table.fields:
        return None
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
    for fold in _folds(outcomes, _FOLDS, seed=0):
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


def _judged(cases: _Cases, plan: Plan, whole: _Cases, running: Propensity | None) -> _Judged:
    """``whole`` has the same cases with all fields, for the model in force may use others."""
    older, newest = cases.parted()
    model = _fit(older, plan)
    counts = _counts(cases)
    if not newest.rarer or not older.rarer:
        return _Judged(False, (say.one_outcome_only(len(newest.rows)),), counts)
    if model is None:
        return _Judged(False, (say.nothing_tells_apart(),), counts)
    chances = [model.probability(row) for row in newest.rows]
    base = [older.did / len(older.rows)] * len(chances)
    figures: dict[str, Json] = {**counts, **_figures(chances, base, newest.outcomes)}
    verdicts = [_against_the_base_rate(chances, base, newest.outcomes)]
    if running:
        rival = [running.probability(row) for row in whole.parted()[1].rows]
        figures["running_log_loss"] = _round(log_loss(rival, newest.outcomes))
        verdicts.append(_against(chances, rival, newest.outcomes, say.RUNNING))
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


def _against(
    chances: Sequence[float], others: Sequence[float], outcomes: Sequence[bool], whose: Text
) -> tuple[bool, Text | None]:
    loss, rival = log_loss(chances, outcomes), log_loss(others, outcomes)
    return loss < rival, None if loss < rival else say.does_not_beat(loss, rival, whose)


def _with_segments(
    common: Propensity, cases: _Cases, plan: Plan, segment: str
) -> tuple[Propensity, tuple[Text, ...], Mapping[str, Json]]:
    """The model of all with those of segments that foretell their newest better than it does.

    The rival is the model of all without any segment's newest fifth.
    """
    parts = _parts(cases, segment, plan.horizon_days) if segment else {}
    if not parts:
        return common, (), {}
    newest = {
        value: places[len(places) - round(NEWEST * len(places)) :]
        for value, (places, _) in parts.items()
    }
    unseen = set(chain.from_iterable(newest.values()))
    rival = _fit(cases.chosen(p for p in range(len(cases.rows)) if p not in unseen), plan)
    kept: list[tuple[str, Propensity]] = []
    told, figures = [], {}
    for value, (places, own_plan) in parts.items() if rival else ():
        assert rival
        own = cases.chosen(places)
        good, text, losses = _own_is_better(own, own_plan, rival, value)
        model = _fit(own, own_plan) if good else None
        told.append(text)
        figures[value] = losses
        if model:
            kept.append((value, model))
    if not parts:
        return common, (), {}
    return (
        replace(common, segment=segment, segments=tuple(kept)),
        tuple(told),
        {"segments": figures},
    )


def _parts(cases: _Cases, segment: str, horizon_days: int) -> dict[str, tuple[list[int], Plan]]:
    """The segments whose data allow a model, with the places of their rows."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(cases.rows):
        if not is_missing(value := row.get(segment)):
            places.setdefault(written(value), []).append(place)
    plans = {value: _plan(cases.chosen(own), horizon_days) for value, own in places.items()}
    return {
        value: (places[value], plan)
        for value, plan in sorted(plans.items())
        if isinstance(plan, Plan)
    }


def _own_is_better(
    own: _Cases, plan: Plan, rival: Propensity, value: str
) -> tuple[bool, Text, Json]:
    older, newest = own.parted()
    model = _fit(older, plan)
    if model is None or not newest.rarer:
        return False, say.segment_shares(value), None
    loss = log_loss([model.probability(row) for row in newest.rows], newest.outcomes)
    common = log_loss([rival.probability(row) for row in newest.rows], newest.outcomes)
    base = log_loss([older.did / len(older.rows)] * len(newest.rows), newest.outcomes)
    losses: Json = {
        "rows": len(own.rows),
        "log_loss": _round(loss),
        "common_log_loss": _round(common),
        "base_log_loss": _round(base),
    }
    if loss < min(common, base):
        return True, say.segment_has_its_own(value, loss, common), losses
    return False, say.segment_shares(value), losses


def _refused(
    name: str,
    sentences: tuple[Text, ...],
    figures: Mapping[str, Json],
    trained_at: datetime | None,
) -> Trained:
    return Trained(None, ModelCard(name, Gate(False, sentences), figures, trained_at))


def _counts(cases: _Cases) -> dict[str, Json]:
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


def _of_the_model(model: Propensity, cases: _Cases) -> dict[str, Json]:
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
