"""What a call is worth, and who is called, by plain loops over the words of the chapter.

``worth(section, lead_score, value, usual)`` gives gain, index and the published number, also before
it is rounded, ``naive_priority`` a whole section of the card;
``chosen(people, budget, now, section)`` the ids of whom to call. Imports nothing of the product.
"""

from itertools import pairwise

from tests.oracle.conditions import truth
from tests.oracle.readings import linked_deals
from tests.oracle.rfm import DECIMALS

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
    return gain, gain / minutes, round(100 - 100 / 2**share), 100 - 100 / 2**share


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


def naive_priority(page, known, lead, low, advice):
    """The card's section of ``known``; ``advice`` has the members of actions, if any fit."""
    section, money = page["priority"], page["currency"]
    factor = 10 ** DECIMALS.get(money, 2)
    usual = int(section["deal_value"] * factor + 0.5)
    value = worth_of(known, money) or usual
    gain, index, score, unrounded = worth(section, lead["score"], value, usual)
    talks, done = [], [at for at, _, _ in known["purchases"]]
    for one in [one for one in known["people"] if one["kind"] != "email.sent"]:
        contacts = section.get("contacts", ["call.held", "meeting.held"])
        (talks if one["kind"] in contacts else done).append(one["at"])
    last = max(talks) if talks else None
    since = [at for at in done if last is None or at > last]
    owner = known["attributes"].get(section.get("owner"))
    days = section.get("service_level_days", 7)
    assign_to = advice.get("assign_to")
    return {
        "score": score,
        "index": index,
        "gain": gain,
        "chance": chance(section, lead["score"]),
        "value": {"amount": value, "currency": money},
        "minutes": section.get("minutes", 15),
        "existing": len(known["purchases"]) > 0,
        "low": low,
        "opted_out": truth(section["opted_out"], known["attributes"]) == "yes"
        if "opted_out" in section
        else False,
        "owner": None if owner in (None, "") else str(owner),
        "last_contact_at": said(last),
        "waiting_since": said(min(since) if since else last),
        "service_level_days": advice["service_level"]["days"]
        if "service_level" in advice
        else days,
        "assign_to": assign_to and {"pool": assign_to["pool"], "skill": assign_to.get("skill")},
        "unrounded": [unrounded],
    }


def worth_of(known, money):
    """The sum of the open deals, else the mean of the purchases; 0 where nothing is known."""
    open_sum = 0
    for data in linked_deals(known["rows"]):
        sum_ = data.get("value") or data.get("amount")
        if data.get("status", "open") == "open" and sum_ and sum_["currency"] == money:
            open_sum += max(sum_["amount"], 0)
    paid = [amount for _, amount, currency in known["purchases"] if currency == money]
    mean = int(sum(paid) / len(paid) + 0.5) if paid else 0
    return open_sum or mean


def said(at):
    return at and at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
