"""What a call is worth, and who is called, by plain loops over the words of the chapter.

``worth(section, lead_score, open_sum, mean, usual)`` gives gain, index and the published number;
``chosen(people, budget, now, section)`` the ids of whom to call. Imports nothing of the product.
"""

from itertools import pairwise

CHANCES = [[0, 0.02], [40, 0.1], [70, 0.3], [100, 0.6]]


def chance(section, score):
    points = section.get("chances", CHANCES)
    if score <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in pairwise(points):
        if score <= right:
            return low + (high - low) * (score - left) / (right - left)
    return points[-1][1]


def worth(section, lead_score, value, usual):
    uplift, minutes = section.get("uplift", 0.3), section.get("minutes", 15)
    p = chance(section, lead_score)
    gain = p * (1 - p) * uplift * value
    share = gain / (0.25 * uplift * usual)
    return gain, gain / minutes, round(100 - 100 / 2**share)


def chosen(people, budget, rest_days=7, new=0.3, existing=0.3, exploration=0.1):
    """``people`` have id, index, minutes, waiting, level, rested, out, bought, low."""
    able = [one for one in people if not one["out"] and one["rested"] >= rest_days]
    for one in able:
        one["aged"] = one["index"] * (1 + one["waiting"] / one["level"])
    able.sort(key=lambda one: one["id"])
    able.sort(key=lambda one: one["aged"], reverse=True)
    top, left = set(), budget
    for one in able:
        if one["minutes"] <= left:
            left -= one["minutes"]
            top.add(one["id"])
    outside = [one for one in able if one["id"] not in top]
    outside.sort(key=lambda one: one["waiting"], reverse=True)
    outside.sort(key=lambda one: 0 if one["low"] else 1)

    taken, left = {}, budget
    steps = [
        ([one for one in able if not one["bought"]], new * budget),
        ([one for one in able if one["bought"]], existing * budget),
        (outside, exploration * budget),
        (able, budget),
    ]
    for group, floor in steps:
        for one in group:
            have = sum(other["minutes"] for other in group if other["id"] in taken)
            if have >= floor:
                break
            if one["id"] not in taken and one["minutes"] <= left:
                taken[one["id"]] = one
                left -= one["minutes"]
    return sorted(taken)
