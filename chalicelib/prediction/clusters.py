"""To which group of customers somebody belongs: the nearest of the centres that k-means found.

Of every feature the logarithm is taken, kept between the 1st and the 99th percentile of training
and put in deviations from the mean there::

    z = (min(max(ln(1 + max(x, 0)), low), high) - mean) / deviation

Whoever lacks a feature is placed by the others.

>>> recent = Clusters(
...     features=("recency", "frequency"), low=(0.0, 0.0), high=(6.0, 3.0),
...     mean=(3.0, 1.0), deviation=(1.5, 0.5), centres=((-1.0, 1.0), (1.0, -0.5)),
...     ids=("1", "2"), words=((-1, 1), (1, -1)),
...     labels=label_of_all(("recency", "frequency"), ((-1, 1), (1, -1)), ("1", "2")))
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
from itertools import repeat
from typing import cast

from chalicelib.core.model import Json, Text
from chalicelib.core.structs import struct

Point = tuple[float, ...]
"""A customer in deviations, by feature."""

Words = tuple[int, ...]
"""By feature whether a centre is called low (-1) or high (1) in it, or is not told by it (0)."""

TELLING = 0.5
"""From so many deviations on a centre is told by this feature."""

MARGIN = 0.25
"""So far a known cluster has to be past that before it is called otherwise."""

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

    ``next_id`` is the first number that never was the name of a cluster. Labels are made of
    ``words``.
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
    words: tuple[Words, ...] = ()

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
            "words": [list(told) for told in self.words],
        }

    @classmethod
    def from_json(cls, stated: Mapping[str, Json]) -> Clusters:
        labels = cast(list[Mapping[str, str]], stated["labels"])
        centres = tuple(map(_point, cast(list[Json], stated["centres"])))
        words = cast("list[list[int]]", stated.get("words") or [])
        return cls(
            tuple(cast(list[str], stated["features"])),
            _point(stated["low"]),
            _point(stated["high"]),
            _point(stated["mean"]),
            _point(stated["deviation"]),
            centres,
            tuple(cast(list[str], stated["ids"])),
            tuple(Text(label["en"], label["fa"]) for label in labels),
            int(cast(float, stated["n"])),
            int(cast(float, stated["next_id"])),
            tuple(map(tuple, words)) or tuple(map(words_of, centres)),
        )


def words_of(centre: Point, before: Words = ()) -> Words:
    """Of a cluster that was called something ``before``, words that still nearly fit are kept.

    >>> words_of((-0.6, 0.4)), words_of((-0.4, 0.6), before=(-1, 0)), words_of((0.4,), before=(-1,))
    ((-1, 0), (-1, 0), (0,))
    """
    return tuple(map(_word, centre, before or repeat(None)))


def _word(z: float, before: int | None) -> int:
    side = 1 if z > 0 else -1
    if before is None:
        line = TELLING
    else:
        line = TELLING - MARGIN if before == side else TELLING + (0 if before else MARGIN)
    return side if abs(z) >= line else 0


def label_of_all(
    features: Sequence[str], words: Sequence[Words], ids: Sequence[str]
) -> tuple[Text, ...]:
    """Each cluster in words. Of those that would be called the same all but the oldest have a
    number, so that a new one changes the name of none.

    >>> told = label_of_all(["monetary"], [(-1,), (0,), (1,), (1,)], ["10", "1", "7", "3"])
    >>> [one.en for one in told]
    ['low value', 'average', 'high value (2)', 'high value']
    """
    seen = Counter[Text]()
    named = {}
    for place in sorted(range(len(ids)), key=lambda place: int(ids[place])):
        label = _label(features, words[place])
        seen[label] += 1
        which = f" ({seen[label]})" if seen[label] > 1 else ""
        named[place] = Text(label.en + which, label.fa + which)
    return tuple(named[place] for place in range(len(ids)))


def _label(features: Sequence[str], words: Words) -> Text:
    told = [
        _WORDS[name][side > 0] if name in _WORDS else _unnamed(name, side)
        for name, side in zip(features, words, strict=True)
        if side
    ] or [_AVERAGE]
    return Text(", ".join(word.en for word in told), "، ".join(word.fa for word in told))


def _unnamed(name: str, side: int) -> Text:
    return Text(f"{'high' if side > 0 else 'low'} {name}", f"{name} {'زیاد' if side > 0 else 'کم'}")


def _point(values: Json) -> Point:
    return tuple(float(value) for value in cast(list[float], values))
