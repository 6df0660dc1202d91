"""How likely somebody is to do what is hoped for, by fields cut into levels.

Every field of a row falls into one level: a range of a number, one of the values that were common
in training, *other* for what was rare, or *missing*. Each level has its part in the log-odds::

    log-odds = base + Σ over fields of the level's weight
    chance   = 1 / (1 + exp(-log-odds))

so that a chance is told by its parts, and ``exp(weight)`` is how many times a field raises the
odds. What was never seen in training says nothing: its weight is 0.

>>> source = FieldModel("source", None, ("expo", "web"), (0.6, -0.2, 0.0, 0.0), (10, 30, 0, 0))
>>> visits = FieldModel("visits", (3.0,), (), (-0.5, 0.5, 0.0, 0.0), (20, 20, 0, 0))
>>> model = Propensity("logistic", -1.0, (source, visits), None, "trusted", 90, 40)
>>> model.contributions({"source": "expo", "visits": 4})
(('source', 0.6), ('visits', 0.5))
>>> round(model.probability({"source": "expo", "visits": 4}), 3)
0.525
>>> round(model.probability({"source": "fair"}), 3) == round(chance_of(-1.0), 3)
True
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from chalicelib.core.model import Json

Value = str | float | bool | None

Kind = Literal["logistic", "naive_bayes"]
Label = Literal["learning", "trusted"]
Shift = tuple[float, float]
"""A and B of Platt's calibration: the log-odds become A · log-odds + B."""

LIMIT = math.log(0.995 / 0.005)
"""Log-odds of counted models stay within these: 0 and 100 per cent mean lost and won."""


@dataclass(frozen=True, slots=True)
class FieldModel:
    """One field's levels and what each is worth in log-odds.

    ``edges`` part a number into ranges, each with its upper edge inside; None where ``values``
    are the levels. The last two of ``weights`` and ``counts`` are *other* and *missing*;
    ``counts`` are the rows of training by level.
    """

    name: str
    edges: tuple[float, ...] | None
    values: tuple[str, ...]
    weights: tuple[float, ...]
    counts: tuple[int, ...] = ()

    def level(self, value: Value) -> int:
        """The place of a value's weight."""
        if is_missing(value):
            return len(self.weights) - 1
        if self.edges is None:
            return self._place(written(value))
        if isinstance(value, str | bool):
            return len(self.weights) - 2
        return bisect_left(self.edges, cast(float, value))

    def _place(self, value: str) -> int:
        try:
            return self.values.index(value)
        except ValueError:
            return len(self.weights) - 2

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "edges": None if self.edges is None else list(self.edges),
            "values": list(self.values),
            "weights": list(self.weights),
            "counts": list(self.counts),
        }

    @classmethod
    def from_json(cls, stated: Mapping[str, Json]) -> FieldModel:
        edges = stated["edges"]
        return cls(
            str(stated["name"]),
            None if edges is None else _numbers(edges),
            tuple(map(str, cast(list[Json], stated["values"]))),
            _numbers(stated["weights"]),
            tuple(map(int, _numbers(stated.get("counts") or []))),
        )


@dataclass(frozen=True, slots=True)
class Propensity:
    """A fitted model, of ``n`` rows, of what happens within ``horizon_days``.

    ``base`` and the weights have the calibration ``platt`` in them already; it is kept to tell of.
    ``score_edges`` are the deciles of the log-odds in training, ``score_counts`` the rows between
    them, by which a drift shows. Where the rows of one value of the field ``segment`` have a model
    of their own it is in ``segments``.
    """

    kind: Kind
    base: float
    fields: tuple[FieldModel, ...]
    platt: Shift | None
    label: Label
    horizon_days: int
    n: int
    score_edges: tuple[float, ...] = ()
    score_counts: tuple[int, ...] = ()
    segment: str = ""
    segments: tuple[tuple[str, Propensity], ...] = ()

    def of(self, row: Mapping[str, Value]) -> Propensity:
        """The model that is used for a row: that of its segment, or this one."""
        if self.segments and not is_missing(value := row.get(self.segment)):
            return dict(self.segments).get(written(value), self)
        return self

    def probability(self, row: Mapping[str, Value]) -> float:
        """0 to 1. What naive Bayes says stays within 0.5 and 99.5 per cent."""
        model = self.of(row)
        odds = model.log_odds(row)
        if model.kind == "naive_bayes":
            odds = min(max(odds, -LIMIT), LIMIT)
        return chance_of(odds)

    def log_odds(self, row: Mapping[str, Value]) -> float:
        """Without limits: the base of ``of(row)`` and all contributions."""
        model = self.of(row)
        return math.fsum([model.base, *(part for _, part in model.contributions(row))])

    def contributions(self, row: Mapping[str, Value]) -> tuple[tuple[str, float], ...]:
        """Of each field, in the model's order."""
        return tuple(
            (field.name, field.weights[field.level(row.get(field.name))])
            for field in self.of(row).fields
        )

    def missing(self, row: Mapping[str, Value]) -> tuple[str, ...]:
        """The fields on which there is no data."""
        return tuple(field.name for field in self.of(row).fields if is_missing(row.get(field.name)))

    def recalibrated(self, shift: Shift) -> Propensity:
        """The same ranking, with other odds: ``shift`` is applied to the present log-odds, to
        those of segments too.
        """
        a, b = shift
        before, and_ = self.platt or (1.0, 0.0)
        return replace(
            self,
            base=a * self.base + b,
            fields=tuple(
                replace(one, weights=tuple(a * weight for weight in one.weights))
                for one in self.fields
            ),
            platt=(a * before, a * and_ + b),
            score_edges=tuple(a * edge + b for edge in self.score_edges),
            segments=tuple((name, one.recalibrated(shift)) for name, one in self.segments),
        )

    def to_json(self) -> dict[str, Json]:
        segments: dict[str, Json] = {name: model.to_json() for name, model in self.segments}
        return {
            "kind": self.kind,
            "base": self.base,
            "fields": [field.to_json() for field in self.fields],
            "platt": None if self.platt is None else list(self.platt),
            "label": self.label,
            "horizon_days": self.horizon_days,
            "n": self.n,
            "score_edges": list(self.score_edges),
            "score_counts": list(self.score_counts),
            "segment": self.segment,
            "segments": segments,
        }

    @classmethod
    def from_json(cls, stated: Mapping[str, Json]) -> Propensity:
        platt = stated["platt"]
        fields = cast(list[Mapping[str, Json]], stated["fields"])
        segments = cast(Mapping[str, Mapping[str, Json]], stated.get("segments") or {})
        return cls(
            cast(Kind, stated["kind"]),
            _number(stated["base"]),
            tuple(map(FieldModel.from_json, fields)),
            None if platt is None else cast(Shift, _numbers(platt)),
            cast(Label, stated["label"]),
            int(_number(stated["horizon_days"])),
            int(_number(stated["n"])),
            _numbers(stated.get("score_edges") or []),
            tuple(map(int, _numbers(stated.get("score_counts") or []))),
            str(stated.get("segment") or ""),
            tuple((name, cls.from_json(model)) for name, model in segments.items()),
        )


def chance_of(log_odds: float) -> float:
    """Of any size.

    >>> chance_of(0.0), chance_of(-800.0)
    (0.5, 0.0)
    """
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    # Below -745 the exponential is nothing, and 1 - chance is exactly 1.
    small = math.exp(log_odds)
    return small / (1 + small)


def is_missing(value: Value) -> bool:
    """Nothing, an empty text, and numbers that are none.

    >>> [is_missing(one) for one in (None, " ", float("nan"), float("inf"), 10**400, 0, False)]
    [True, True, True, True, True, False, False]
    """
    if isinstance(value, str):
        return not value.strip()
    return value is None or not -sys.float_info.max <= value <= sys.float_info.max


def written(value: Value) -> str:
    """A value as the name of a level.

    >>> written(True), written(3.0), written(" web ")
    ('true', '3', 'web')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else str(value).strip()


def _number(value: Json) -> float:
    return float(cast(float, value))


def _numbers(values: Json | Sequence[Json]) -> tuple[float, ...]:
    return tuple(float(value) for value in cast(list[float], values))
