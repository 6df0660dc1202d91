"""A naive second way to lifts: counted pair by pair, the variance cell by cell."""

import math


def naive_pairs(customers):
    """``{(c, d): (lift, bound)}`` of all pairs with 20 joint customers and a bound above 1."""
    names = {name for one in customers for name in one}
    found = {}
    for c in names:
        for d in names - {c}:
            both = len([one for one in customers if c in one and d in one])
            if both >= 20:
                lift, bound = interval(customers, c, d)
                if bound > 1:
                    found[c, d] = lift, bound
    return found


def interval(customers, c, d):
    n = len(customers)
    share = {
        (x, y): len([one for one in customers if (c in one, d in one) == (x, y)]) / n
        for x in (True, False)
        for y in (True, False)
    }
    of_c = share[True, True] + share[True, False]
    of_d = share[True, True] + share[False, True]
    slope = {
        (True, True): 1 / share[True, True] - 1 / of_c - 1 / of_d,
        (True, False): -1 / of_c,
        (False, True): -1 / of_d,
        (False, False): 0,
    }
    mean = sum(share[cell] * slope[cell] for cell in share)
    variance = sum(share[cell] * (slope[cell] - mean) ** 2 for cell in share) / n
    lift = share[True, True] / of_c / of_d
    return lift, math.exp(math.log(lift) - 1.96 * math.sqrt(variance))
