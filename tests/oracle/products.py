"""A naive second way to the shares of categories."""


def naive_shares(rows, categories):
    """``rows`` are ``(category, age in days, weight)``; of each category with something in it."""
    sums = {}
    for category, age, weight in rows:
        sums[category] = sums.get(category, 0) + weight * 0.5 ** (age / 90)
    total = sum(sums.values())
    return {one: (x + 0.5) / (total + 0.5 * categories) for one, x in sums.items()}
