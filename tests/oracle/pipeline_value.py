"""Naive second ways to stay times, stage probabilities and forecasts, by plain loops."""

from itertools import pairwise

ORDER = ["intro", "trial", "offer", "negotiation", "contract"]


def naive_probabilities(deals):
    """``deals`` are pairs of the stages that a deal was seen in and whether it was won."""
    prior = sum(won for _, won in deals) / len(deals)
    values, weights = [], []
    for place in range(5):
        reached = [won for seen, won in deals if any(one in seen for one in ORDER[place:])]
        values.append((sum(reached) + 10 * prior) / (len(reached) + 10))
        weights.append(len(reached) + 10 if reached else 1e-6)
    # The least squares of a sequence that never falls: the best of all ways to cut it in blocks.
    best = None
    for cuts in range(16):
        blocks, start = [], 0
        for end in range(1, 6):
            if end == 5 or cuts >> (end - 1) & 1:
                blocks.append((start, end))
                start = end
        fitted = []
        for start, end in blocks:
            weight = sum(weights[start:end])
            mean = sum(v * w for v, w in zip(values[start:end], weights[start:end], strict=True))
            fitted += [mean / weight] * (end - start)
        if all(a <= b + 1e-9 for a, b in pairwise(fitted)):
            loss = sum(w * (v - f) ** 2 for v, w, f in zip(values, weights, fitted, strict=True))
            if best is None or loss < best[0]:
                best = loss, fitted
    return dict(zip(ORDER, best[1], strict=True))


def naive_stays(seen):
    """``seen`` are ``(instant, stage or None)`` of one deal, in any order."""
    found, last = [], None
    for at, stage in sorted(seen, key=lambda one: one[0]):
        if stage == last:
            continue
        if found and found[-1][2] is None:
            found[-1][2] = at
        if stage is not None:
            found.append([stage, at, None])
        last = stage
    return [tuple(one) for one in found]
