"""From the chance that a model tells to what came of those to whom it told as much.

>>> line = Isotonic((0.0, 0.2, 0.6), (0.0, 0.1, 0.5))
>>> line.at(0.1), round(line.at(0.4), 2), line.at(0.9)
(0.05, 0.3, 0.5)
>>> Calibration.from_json({"90": [[0, 0], [0.2, 0.1], [0.6, 0.5]]}).lines == ((90, line),)
True
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.core.model import Json

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising line through ``scores``, which are sorted, and ``chances``; flat beyond its ends."""

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def at(self, score: float) -> float:
        after = bisect_right(self.scores, score)
        if after == 0:
            return self.chances[0]
        if after == len(self.scores):
            return self.chances[-1]
        low, high = self.scores[after - 1], self.scores[after]
        part = (score - low) / (high - low)
        return self.chances[after - 1] + (self.chances[after] - self.chances[after - 1]) * part


@dataclass(frozen=True, slots=True)
class Calibration:
    """A line for each number of days within which somebody may buy, the shorter first."""

    lines: tuple[tuple[int, Isotonic], ...]

    def to_json(self) -> dict[str, Json]:
        return {
            str(days): [
                [round(score, _DIGITS), round(chance, _DIGITS)]
                for score, chance in zip(line.scores, line.chances, strict=True)
            ]
            for days, line in self.lines
        }

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> Calibration:
        lines = [
            (int(days), Isotonic(tuple(x for x, _ in points), tuple(y for _, y in points)))
            for days, points in stated.items()
        ]
        return cls(tuple(sorted(lines, key=lambda one: one[0])))
