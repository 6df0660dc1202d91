"""Groups of customers who are alike, by k-means on the logarithms of what they did.

Features are winsorised at the 1st and 99th percentile and put in deviations from the mean; one
whose deviation is below 1e-9 is dropped. For each number of clusters the best of 20 seeded starts
is taken; a number is refused if a cluster has less than 3 % of the customers or fewer than 10, or
if clusters of ten bootstrap samples agree with it by less than 0.75 (adjusted Rand index). Of what
is left the smallest is taken within 0.02 of the best silhouette.

Of more than 2,000 customers, a sample of so many chooses the number and the start, from which the
centres of all are found.

A cluster keeps its id from one training to the next if its centre has not moved by more than one
deviation; old and new are matched at the least cost. It is called as before unless its centre is
clearly past the line where a word begins or ends.

>>> from random import Random
>>> chance = Random(4)
>>> people = [
...     {"recency": chance.gauss(r, r / 9), "frequency": f, "monetary": chance.gauss(m, m / 9)}
...     for r, f, m in [(5, 30, 900), (40, 5, 90), (400, 1, 9)] for _ in range(40)]
>>> found = learned(people, seed=1)
>>> [label.en for label in found.clusters.labels]
['recent, frequent, high value', 'average', 'lapsed, rare, low value']

Source: Lloyd 1982; Arthur and Vassilvitskii 2007 for the start; Rousseeuw 1987 for the silhouette;
Hubert and Arabie 1985 for the agreement.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from statistics import fmean

from chalicelib.core.model import Json, Text
from chalicelib.core.prediction import Gate, ModelCard
from chalicelib.localization import models as say
from chalicelib.prediction.clusters import Clusters, Point, label_of_all, words_of
from chalicelib.training.binning import quantile
from chalicelib.training.k_means import (
    Partition,
    best_partition,
    nearest_of_all,
    partition,
)

FEWEST_CUSTOMERS = 60
FEWEST_IN_CLUSTER = 10
SMALLEST_SHARE = 0.03
STEADY = 0.75
CLOSE = 0.02
MOVED = 1.0
"""A centre that is so many deviations from where it was is another cluster."""

LOW, HIGH = 3, 8
_TAIL = 0.01
_FLAT = 1e-9
_SAMPLE = 2000
_REFITS = 10
_REFIT_STARTS = 5

Customer = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Learned:
    """``clusters`` are None where the gate says why."""

    clusters: Clusters | None
    card: ModelCard

    @property
    def gate(self) -> Gate:
        return self.card.gate


@dataclass(frozen=True, slots=True)
class _Candidate:
    partition: Partition
    silhouette: float

    @property
    def k(self) -> int:
        return len(self.partition.centres)


def learned(
    customers: Sequence[Customer],
    *,
    seed: int,
    low: int = LOW,
    high: int = HIGH,
    former: Clusters | None = None,
    name: str = "clusters",
    trained_at: datetime | None = None,
) -> Learned:
    """``customers`` have values as they are, days, numbers and amounts, of one set of features.

    Those who lack one are not learned from. ``former`` are the clusters that are in force, whose
    names are kept.
    """
    known = _known(customers)
    scale, points = _scaled(known)
    if refusal := _refusal(len(known), scale, points, low):
        return _refused(name, refusal, len(known), trained_at)
    chance = Random(seed)  # noqa: S311  not a secret
    sample = points if len(points) <= _SAMPLE else chance.sample(points, _SAMPLE)
    chosen, why_not = _chosen(sample, low, min(high, len(set(points))), chance)
    if chosen is None:
        return _refused(name, say.no_number_of_clusters(why_not), len(known), trained_at)
    whole = partition(points, chosen.partition.centres)
    # Sorted, so that the order does not depend on the start.
    clusters = _named(scale, tuple(sorted(whole.centres)), former)
    said = say.clustered(len(known), chosen.k, chosen.silhouette)
    figures = _figures(clusters, points, chosen)
    card = ModelCard(name, Gate(True, (said,)), figures, trained_at)
    return Learned(replace(clusters, n=len(known)), card)


@dataclass(frozen=True, slots=True)
class _Scale:
    features: tuple[str, ...]
    low: Point
    high: Point
    mean: Point
    deviation: Point


def _known(customers: Sequence[Customer]) -> list[Mapping[str, float]]:
    names = sorted({name for one in customers for name in one}, key=_place)
    rows = [{name: one.get(name) for name in names} for one in customers]
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in rows
        if all(value is not None and math.isfinite(value) for value in row.values())
    ]


def _place(feature: str) -> tuple[int, str]:
    """Recency, frequency and monetary value first, as their labels are read."""
    known = ("recency", "frequency", "monetary", "tenure", "discounted")
    return (known.index(feature) if feature in known else len(known), feature)


def _scaled(rows: Sequence[Mapping[str, float]]) -> tuple[_Scale, list[Point]]:
    found: list[tuple[str, float, float, float, float]] = []
    columns: list[list[float]] = []
    for name in rows[0] if rows else ():
        values = [math.log1p(max(row[name], 0.0)) for row in rows]
        ordered = sorted(values)
        low, high = quantile(ordered, _TAIL), quantile(ordered, 1 - _TAIL)
        held = [min(max(value, low), high) for value in values]
        mean = math.fsum(held) / len(held)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in held) / len(held))
        if deviation >= _FLAT:
            found.append((name, low, high, mean, deviation))
            columns.append([(value - mean) / deviation for value in held])
    names, *numbers = zip(*found, strict=True) if found else ((), (), (), (), ())
    return _Scale(tuple(names), *map(tuple, numbers)), list(zip(*columns, strict=True))


def _refusal(count: int, scale: _Scale, points: Sequence[Point], low: int) -> Text | None:
    if count < FEWEST_CUSTOMERS:
        return say.too_few_customers(count, FEWEST_CUSTOMERS)
    if not scale.features:
        return say.all_customers_alike()
    places = len(set(points))
    return say.too_few_places(places, low) if places < low else None


def _refused(name: str, why: Text, count: int, trained_at: datetime | None) -> Learned:
    return Learned(None, ModelCard(name, Gate(False, (why,)), {"n": count}, trained_at))


def _chosen(
    points: Sequence[Point], low: int, high: int, chance: Random
) -> tuple[_Candidate | None, list[Text]]:
    """The steadiness of a number is looked at only where it decides, for it takes most time."""
    why_not: dict[int, Text] = {}
    candidates = []
    for k in range(low, high + 1):
        found = best_partition(points, k, chance)
        if _is_small(smallest := min(found.sizes), len(points)):
            why_not[k] = say.small_cluster(k, smallest)
        else:
            candidates.append(found)
    rated = [_Candidate(one, silhouette(points, one.labels)) for one in candidates]
    by_silhouette = sorted(rated, key=lambda one: -one.silhouette)
    steady: dict[int, float] = {}

    def holds(one: _Candidate) -> bool:
        if one.k not in steady:
            steady[one.k] = steadiness(points, one.partition, chance)
        return steady[one.k] >= STEADY

    best = next(filter(holds, by_silhouette), None)
    if best is None:
        why_not |= {k: say.unsteady_clusters(k, mean) for k, mean in steady.items()}
        return None, [why_not[k] for k in sorted(why_not)]
    near = (one for one in rated if one.silhouette >= best.silhouette - CLOSE)
    return next(filter(holds, near)), []


def _is_small(size: int, count: int) -> bool:
    return size < FEWEST_IN_CLUSTER or size < SMALLEST_SHARE * count


def silhouette(points: Sequence[Point], labels: Sequence[int]) -> float:
    """The mean over all points; 0 for one that is alone in its cluster.

    >>> round(silhouette([(0.0,), (1.0,), (10.0,), (11.0,)], [0, 0, 1, 1]), 4)
    0.8997
    """
    members: dict[int, list[Point]] = {label: [] for label in sorted(set(labels))}
    for point, label in zip(points, labels, strict=True):
        members[label].append(point)
    return math.fsum(
        _silhouette(point, label, members) for point, label in zip(points, labels, strict=True)
    ) / len(points)


def _silhouette(point: Point, label: int, members: Mapping[int, Sequence[Point]]) -> float:
    if len(members[label]) == 1 or len(members) == 1:
        return 0.0
    dist = math.dist
    sums = {other: sum([dist(point, one) for one in own]) for other, own in members.items()}
    inside = sums.pop(label) / (len(members[label]) - 1)
    outside = min(total / len(members[other]) for other, total in sums.items())
    return (outside - inside) / (max(inside, outside) or 1.0)


def steadiness(points: Sequence[Point], found: Partition, chance: Random) -> float:
    """The mean agreement with what samples with replacement, of the same size, give."""
    agreements = []
    for _ in range(_REFITS):
        sample = chance.choices(points, k=len(points))
        refit = best_partition(sample, len(found.centres), chance, starts=_REFIT_STARTS)
        labels = nearest_of_all(points, refit.centres)
        agreements.append(adjusted_rand_index(found.labels, labels))
    return fmean(agreements)


def adjusted_rand_index(one: Sequence[int], other: Sequence[int]) -> float:
    """1 where both part alike, about 0 where they agree by chance.

    >>> adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    >>> round(adjusted_rand_index([0, 0, 1, 1], [0, 1, 0, 1]), 3)
    -0.5
    """
    both = _pairs(zip(one, other, strict=True))
    left, right = _pairs(one), _pairs(other)
    expected = left * right / math.comb(len(one), 2)
    most = (left + right) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _pairs(labels: Iterable[object]) -> int:
    return sum(math.comb(count, 2) for count in Counter(labels).values())


def _named(scale: _Scale, centres: tuple[Point, ...], former: Clusters | None) -> Clusters:
    ids, next_id = _ids(scale, centres, former)
    before = dict(zip(former.ids, former.words, strict=True)) if former else {}
    words = tuple(
        words_of(centre, before.get(name, ())) for name, centre in zip(ids, centres, strict=True)
    )
    return Clusters(
        features=scale.features,
        low=scale.low,
        high=scale.high,
        mean=scale.mean,
        deviation=scale.deviation,
        centres=centres,
        ids=ids,
        labels=label_of_all(scale.features, words, ids),
        next_id=next_id,
        words=words,
    )


def _ids(
    scale: _Scale, centres: Sequence[Point], former: Clusters | None
) -> tuple[tuple[str, ...], int]:
    next_id = former.next_id if former else 1
    kept: dict[int, str] = {}
    if former and former.features == scale.features:
        old = [_moved_to(scale, former, centre) for centre in former.centres]
        costs = [[math.dist(centre, one) for one in old] for centre in centres]
        kept = {
            new: former.ids[place]
            for new, place in cheapest_matching(costs).items()
            if costs[new][place] <= MOVED
        }
    ids = []
    for place in range(len(centres)):
        if place not in kept:
            kept[place] = str(next_id)
            next_id += 1
        ids.append(kept[place])
    return tuple(ids), next_id


def _moved_to(scale: _Scale, former: Clusters, centre: Point) -> Point:
    """An old centre in the deviations of now."""
    old = zip(centre, former.deviation, former.mean, strict=True)
    logarithms = [z * deviation + mean for z, deviation, mean in old]
    new = zip(logarithms, scale.mean, scale.deviation, strict=True)
    return tuple((value - mean) / deviation for value, mean, deviation in new)


def cheapest_matching(costs: Sequence[Sequence[float]]) -> dict[int, int]:
    """A column for every row, or for as many rows as there are columns, at the least sum.

    >>> cheapest_matching([[1.0, 2.0], [1.5, 9.0], [8.0, 8.0]])
    {0: 1, 1: 0}
    """
    rows, columns = len(costs), len(costs[0])
    if rows > columns:
        turned = cheapest_matching(list(zip(*costs, strict=True)))
        return dict(sorted((row, column) for column, row in turned.items()))
    # By the set of columns that are taken: the least sum of the rows so far, and their columns.
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for row in costs:
        there: dict[int, tuple[float, tuple[int, ...]]] = {}
        for taken, (total, chosen) in best.items():
            for column, cost in enumerate(row):
                if not taken >> column & 1:
                    new = (total + cost, (*chosen, column))
                    key = taken | 1 << column
                    there[key] = min(there.get(key, new), new)
        best = there
    return dict(enumerate(min(best.values())[1]))


def _figures(clusters: Clusters, points: Sequence[Point], chosen: _Candidate) -> dict[str, Json]:
    labels = Counter(nearest_of_all(points, clusters.centres))
    sizes: dict[str, Json] = {one: labels[place] for place, one in enumerate(clusters.ids)}
    return {
        "n": len(points),
        "k": chosen.k,
        "silhouette": round(chosen.silhouette, 6),
        "sizes": sizes,
        "labels": {one: label.en for one, label in zip(clusters.ids, clusters.labels, strict=True)},
        "features": list(clusters.features),
    }
