"""Chapter 5 once more, by definition."""

import math
from itertools import combinations, permutations


def square(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def naive_lloyd(points, centres, rounds=300):
    """Until nothing changes; points between two go to the first."""
    labels = None
    for _ in range(rounds):
        found = []
        for point in points:
            distances = [square(point, centre) for centre in centres]
            found.append(distances.index(min(distances)))
        if found == labels:
            break
        labels = found
        centres = [
            tuple(
                sum(values) / len(values)
                for values in zip(
                    *(p for p, own in zip(points, labels, strict=True) if own == label),
                    strict=True,
                )
            )
            for label in range(len(centres))
        ]
    return centres, labels


def naive_silhouette(points, labels):
    total = 0.0
    for i, point in enumerate(points):
        mean = {}
        for label in set(labels):
            own = [
                math.dist(point, other)
                for j, other in enumerate(points)
                if labels[j] == label and j != i
            ]
            mean[label] = sum(own) / len(own) if own else None
        inside = mean.pop(labels[i])
        if inside is not None:
            outside = min(mean.values())
            total += (outside - inside) / max(inside, outside)
    return total / len(points)


def naive_rand(one, other):
    """The adjusted index, by looking at every pair."""
    both = left = right = 0
    pairs = list(combinations(range(len(one)), 2))
    for i, j in pairs:
        same, alike = one[i] == one[j], other[i] == other[j]
        both, left, right = both + (same and alike), left + same, right + alike
    expected = left * right / len(pairs)
    most = (left + right) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def naive_matching(costs):
    """The least sum over all ways to give each row a column of its own; rows are the fewer."""
    columns = range(len(costs[0]))
    return min(
        sum(costs[row][column] for row, column in enumerate(way))
        for way in permutations(columns, len(costs))
    )
