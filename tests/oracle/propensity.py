"""Chapter 3 once more, each line as it is written there, with no care for time."""

import math


def chance(odds):
    return 1 / (1 + math.exp(-odds))


def naive_auc(scores, outcomes):
    did = [score for score, outcome in zip(scores, outcomes, strict=True) if outcome]
    others = [score for score, outcome in zip(scores, outcomes, strict=True) if not outcome]
    if not did or not others:
        return None
    wins = sum((a > b) + (a == b) / 2 for a in did for b in others)
    return wins / (len(did) * len(others))


def naive_calibration_error(chances, outcomes, bins=10):
    total = 0.0
    for place in range(bins):
        rows = [
            (p, y)
            for p, y in zip(chances, outcomes, strict=True)
            if (p >= place / bins or place == 0) and (p < (place + 1) / bins or place == bins - 1)
        ]
        total += abs(sum(p for p, _ in rows) - sum(y for _, y in rows))
    return total / len(outcomes)


def naive_isotonic(scores, outcomes):
    """By score: the greatest of the least means that end there, over where they begin."""
    places = sorted(set(scores))
    rows = [[y for x, y in zip(scores, outcomes, strict=True) if x == place] for place in places]

    def mean(a, b):
        own = [y for row in rows[a : b + 1] for y in row]
        return sum(own) / len(own)

    count = len(places)
    return {
        places[i]: max(min(mean(a, b) for b in range(i, count)) for a in range(i + 1))
        for i in range(count)
    }


def naive_logistic(columns, sizes, outcomes, strength=1.0, rounds=60):
    """Newton's steps on rows of zeros and ones; the intercept is the first number."""
    rows = []
    for levels in zip(*columns, strict=True):
        row = [1.0]
        for level, size in zip(levels, sizes, strict=True):
            row += [1.0 if place == level else 0.0 for place in range(size)]
        rows.append(row)
    count = len(rows[0])
    weights = [0.0] * count
    for _ in range(rounds):
        gradient = [0.0, *weights[1:]]
        matrix = [[float(i == j and i > 0) for j in range(count)] for i in range(count)]
        for row, outcome in zip(rows, outcomes, strict=True):
            p = chance(sum(w * x for w, x in zip(weights, row, strict=True)))
            for i in range(count):
                gradient[i] += strength * (p - outcome) * row[i]
                for j in range(count):
                    matrix[i][j] += strength * p * (1 - p) * row[i] * row[j]
        step = solved(matrix, gradient)
        weights = [w - s for w, s in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-12:
            break
    return weights


def solved(matrix, right):
    """Gauss's elimination."""
    count = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(count):
        best = max(range(i, count), key=lambda r: abs(rows[r][i]))
        rows[i], rows[best] = rows[best], rows[i]
        for r in range(count):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [rows[i][count] / rows[i][i] for i in range(count)]


def naive_bayes(columns, outcomes, row, smoothing=1.0, kappa=1.0):
    """The log-odds of a row of levels, each of which was seen."""
    did, lost = sum(outcomes), len(outcomes) - sum(outcomes)
    total = math.log(did / lost)
    for column, value in zip(columns, row, strict=True):
        k = len(set(column))
        won_v = sum(1 for v, y in zip(column, outcomes, strict=True) if v == value and y)
        lost_v = sum(1 for v, y in zip(column, outcomes, strict=True) if v == value and not y)
        p_won = (won_v + smoothing) / (did + smoothing * (k + 1))
        p_lost = (lost_v + smoothing) / (lost + smoothing * (k + 1))
        total += kappa * (math.log(p_won) - math.log(p_lost))
    return total


def naive_platt(scores, outcomes, rounds=200):
    """Newton's steps halved until the loss falls, on the smoothed targets."""
    did, lost = sum(outcomes), len(outcomes) - sum(outcomes)
    wanted = [(did + 1) / (did + 2) if y else 1 / (lost + 2) for y in outcomes]

    def loss(a, b):
        return -sum(
            t * math.log(chance(a * s + b)) + (1 - t) * math.log(1 - chance(a * s + b))
            for s, t in zip(scores, wanted, strict=True)
        )

    a, b = 0.0, 0.0
    for _ in range(rounds):
        ps = [chance(a * s + b) for s in scores]
        ga = sum((p - t) * s for p, t, s in zip(ps, wanted, scores, strict=True))
        gb = sum(p - t for p, t in zip(ps, wanted, strict=True))
        haa = sum(p * (1 - p) * s * s for p, s in zip(ps, scores, strict=True)) + 1e-12
        hab = sum(p * (1 - p) * s for p, s in zip(ps, scores, strict=True))
        hbb = sum(p * (1 - p) for p in ps) + 1e-12
        da, db = solved([[haa, hab], [hab, hbb]], [ga, gb])
        length = 1.0
        while loss(a - length * da, b - length * db) > loss(a, b) and length > 1e-12:
            length /= 2
        a, b = a - length * da, b - length * db
    return a, b


def naive_psi(expected, actual):
    e = [max(x, 0.5) / sum(expected) for x in expected]
    a = [max(x, 0.5) / sum(actual) for x in actual]
    return sum((x - y) * math.log(x / y) for x, y in zip(a, e, strict=True))
