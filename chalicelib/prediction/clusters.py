"""To which group of customers somebody belongs: the nearest of the centres that k-means found.

Of every feature the logarithm is taken, kept between the 1st and the 99th percentile of training
and put in deviations from the mean there::

    z = (min(max(ln(1 + max(x, 0)), low), high) - mean) / deviation

Whoever lacks a feature is placed by the others.

>>> recent = Clusters(
...     features=("recency", "frequency"), low=(0.0, 0.0), high=(6.0, 3.0),
...     mean=(3.0, 1.0), deviation=(1.5, 0.5), centres=((-1.0, 1.0), (1.0, -0.5)),
...     ids=("1", "2"), labels=label_of_all(("recency", "frequency"), ((-1.0, 1.0), (1.0, -0.5))))
>>> found = recent.nearest({"recency": 5, "frequency": 4})
>>> found.id, found.label.en, found.alternative.en
('1', 'recent, frequent', 'lapsed, rare')
>>> recent.nearest({"frequency": 1}).id
'2'

Source: MacQueen 1967; winsorising as in Tukey 1962.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from chalicelib.core.model import Json, Text
from chalicelib.core.structs import struct

Point = tuple[float, ...]
"""A customer in deviations, by feature."""

TELLING = 0.5
"""From so many deviations on a centre is told by this feature."""

_WORDS = {
    "recency": (Text("recent", "خرید تازه"), Text("lapsed", "خرید قدیمی")),
    "frequency": (Text("rare", "کم‌تکرار"), Text("frequent", "پرتکرار")),
    "monetary": (Text("low value", "کم‌ارزش"), Text("high value", "پرارزش")),
    "tenure": (Text("new", "تازه‌وارد"), Text("long-standing", "باسابقه")),
    "discounted": (Text("full price", "بدون تخفیف"), Text("discounted", "تخفیف‌جو")),
}
"""What a low centre and a high one are called, by feature."""

_AVERAGE = Text("average", "معمولی")


@struct
class Nearest:
    """``shares`` say by feature how much nearer the own centre is than the second nearest, in
    squared deviations; they sum to how much nearer it is in all.
    """

    id: str
    label: Text
    alternative: Text | None
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Fitted centres; ``low``, ``high``, ``mean`` and ``deviation`` are of the logarithms.

    ``next_id`` is the first number that never was the name of a cluster.
    """

    features: tuple[str, ...]
    low: Point
    high: Point
    mean: Point
    deviation: Point
    centres: tuple[Point, ...]
    ids: tuple[str, ...]
    labels: tuple[Text, ...]
    n: int = 0
    next_id: int = 1

    def nearest(self, point: Mapping[str, float | None]) -> Nearest | None:
        """``point`` has values as they are; None where none of the features is known."""
        place = {
            index: self._deviations(index, value)
            for index, name in enumerate(self.features)
            if (value := point.get(name)) is not None and math.isfinite(value)
        }
        if not place:
            return None
        order = sorted(range(len(self.centres)), key=lambda centre: self._far(place, centre))
        own, *others = order
        if not others:
            return Nearest(self.ids[own], self.labels[own], None, {})
        shares = {
            self.features[index]: (z - self.centres[others[0]][index]) ** 2
            - (z - self.centres[own][index]) ** 2
            for index, z in place.items()
        }
        return Nearest(self.ids[own], self.labels[own], self.labels[others[0]], shares)

    def _deviations(self, index: int, value: float) -> float:
        held = min(max(math.log1p(max(value, 0.0)), self.low[index]), self.high[index])
        return (held - self.mean[index]) / self.deviation[index]

    def _far(self, place: Mapping[int, float], centre: int) -> float:
        return math.fsum((z - self.centres[centre][index]) ** 2 for index, z in place.items())

    def to_json(self) -> dict[str, Json]:
        return {
            "features": list(self.features),
            "low": list(self.low),
            "high": list(self.high),
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "centres": [list(centre) for centre in self.centres],
            "ids": list(self.ids),
            "labels": [{"en": label.en, "fa": label.fa} for label in self.labels],
            "n": self.n,
            "next_id": self.next_id,
        }

    @classmethod
    def from_json(cls, stated: Mapping[str, Json]) -> Clusters:
        labels = cast(list[Mapping[str, str]], stated["labels"])
        return cls(
            tuple(cast(list[str], stated["features"])),
            _point(stated["low"]),
            _point(stated["high"]),
            _point(stated["mean"]),
            _point(stated["deviation"]),
            tuple(map(_point, cast(list[Json], stated["centres"]))),
            tuple(cast(list[str], stated["ids"])),
            tuple(Text(label["en"], label["fa"]) for label in labels),
            int(cast(float, stated["n"])),
            int(cast(float, stated["next_id"])),
        )


def label_of_all(features: Sequence[str], centres: Sequence[Point]) -> tuple[Text, ...]:
    """Each centre in words; those that would be called the same have a number.

    >>> [one.en for one in label_of_all(["monetary"], [(-1.0,), (0.1,), (0.9,), (2.0,)])]
    ['low value', 'average', 'high value (1)', 'high value (2)']
    """
    plain = [_label(features, centre) for centre in centres]
    often, seen = Counter(plain), Counter[Text]()
    named = []
    for label in plain:
        seen[label] += 1
        which = f" ({seen[label]})" if often[label] > 1 else ""
        named.append(Text(label.en + which, label.fa + which))
    return tuple(named)


def _label(features: Sequence[str], centre: Point) -> Text:
    words = [
        _WORDS[name][z > 0] if name in _WORDS else _unnamed(name, z)
        for name, z in zip(features, centre, strict=True)
        if abs(z) >= TELLING
    ] or [_AVERAGE]
    return Text(", ".join(word.en for word in words), "، ".join(word.fa for word in words))


def _unnamed(name: str, z: float) -> Text:
    return Text(f"{'high' if z > 0 else 'low'} {name}", f"{name} {'زیاد' if z > 0 else 'کم'}")


def _point(values: Json) -> Point:
    return tuple(float(value) for value in cast(list[float], values))
