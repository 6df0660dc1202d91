"""Value, satisfaction, behaviour and classes once more, one fact at a time."""

import json
from datetime import timedelta

from tests.oracle.purchases import instant, naive_sales
from tests.oracle.rfm import DECIMALS, naive_rfm

SCALES = {"nps": (0, 10), "csat": (1, 5)}


def linked(rows, kind):
    """Ids of the linked records, None where they were never asked for."""
    for row in rows:
        if row["type"] == "links":
            return row["data"].get(kind)
    return None


def naive_value(page, group, known, now):
    start = now - timedelta(days=group.get("window_days", 10**5))
    deals = linked(known["rows"], "deal")
    has_links = any(row["type"] == "links" for row in known["rows"])
    sales = naive_sales(known["rows"], (deals or []) if has_links else None, now)
    realised = indirect = 0
    foreign = False
    for sale in sales:
        share = 1 if sale["credit"] is None else credit_of(group, sale)
        if sale["at"] <= start or share is None:
            continue
        if sale["currency"] != page["currency"]:
            foreign = True
        elif sale["credit"] is None:
            realised += sale["amount"]
        else:
            indirect += share * sale["amount"]
    indirect = int(indirect + 0.5)
    cost, lacking = cost_of(page, group, known, start, now)
    asked = 3 if group.get("costs", {}).get("attributes") else 2
    if not known["purchases"] and not indirect:
        return {"terms": [], "known": 0, "asked": asked}
    total = realised + indirect - cost
    own = [(at, amount) for at, amount, money in known["purchases"] if money == page["currency"]]
    found = {
        "asked": asked,
        "value": total,
        "parts": {"realised": realised, "indirect": indirect, "cost": cost},
        "windows": {
            days: sum(amount for at, amount in own if at > now - timedelta(days=days))
            for days in (90, 365)
        },
        "flags": ["no_rate"] if foreign else [],
    }
    score = value_score(page, group, total, known["fitted"].get("value", {}))
    if score is None:
        return {"terms": [], "known": 0, **found}
    terms = [("realised", score)]
    if total > 0 and score:
        made_of = {"realised": realised, "indirect": indirect, "cost": -cost}
        terms = [(name, score * part / total) for name, part in made_of.items() if part]
    missing = foreign + lacking
    return {"terms": terms, "known": asked - missing, **found}


def credit_of(group, sale):
    most = group.get("credit", {}).get(sale["credit"])
    if most is None or sale["share"] is None:
        return most
    return min(sale["share"], most)


def cost_of(page, group, known, start, now):
    costs = group.get("costs", {})
    factor = 10 ** DECIMALS.get(page["currency"], 2)
    values = [known["attributes"].get(name) for name in costs.get("attributes", [])]
    values = [value if type(value) in (int, float) else None for value in values]
    total = sum(round(value * factor) for value in values if value is not None)
    has_links = any(row["type"] == "links" for row in known["rows"])
    tickets = linked(known["rows"], "ticket") or []
    for row in known["rows"]:
        if row["type"] != "ticket" or (has_links and row["id"] not in tickets):
            continue
        if start < instant(row["data"]["opened_at"]) <= now:
            total += round(costs.get("per_ticket", 0) * factor)
    return total, any(value is None for value in values)


def value_score(page, group, total, fitted):
    same = json.loads(fitted["basis"]) == basis_of(page, group) if fitted else False
    if same and group.get("thresholds_serve") != "always":
        below = len([cut for cut in fitted["cuts"] if cut < total])
        equal = len([cut for cut in fitted["cuts"] if cut == total])
        return 100 * (below + equal / 2) / len(fitted["cuts"])
    factor = 10 ** DECIMALS.get(page["currency"], 2)
    given = [round(value * factor) for value in group.get("thresholds", [])]
    return 100 * len([one for one in given if one < total]) / len(given) if given else None


def basis_of(page, group):
    made_of = {name: group.get(name) for name in ("window_days", "credit", "costs")}
    return {**made_of, "currency": page["currency"]}


def naive_satisfaction(group, known, now):
    latest = latest_answers(known["rows"], now)
    if not latest:
        return {"terms": [], "known": 0, "asked": 1}
    mean = known["fitted"].get("satisfaction", {}).get("mean")
    weights, total = {}, 0.0
    for survey, (at, _) in latest.items():
        days = (now - at) / timedelta(days=1)
        weights[survey] = 0.5 ** (days / group.get("half_life_days", 180))
        total += weights[survey]
    if mean is not None:
        total += 1
    terms = [] if mean is None else [("average", mean)]
    terms += [
        (survey, weights[survey] * (latest[survey][1] - (mean or 0)) / total)
        for survey in sorted(latest)
    ]
    qualities = [quality for _, quality in latest.values()]
    told = {"mean": sum(qualities) / len(qualities), "answers": len(qualities)}
    return {"terms": terms, "known": 1, "asked": 1, "satisfaction": told}


def latest_answers(rows, now):
    """Instant and quality of 0-100 of the latest answer to each survey."""
    counted, latest = linked(rows, "survey"), {}
    for row in rows:
        data = row["data"]
        if row["type"] != "survey" or data.get("kind") not in SCALES:
            continue
        if counted is not None and row["id"] not in counted:
            continue
        low, high = SCALES[data["kind"]]
        at, survey = instant(data["answered_at"]), data.get("survey") or data["kind"]
        if low <= data["value"] <= high and at <= now:
            found = (at, (data["value"] - low) / (high - low) * 100)
            latest[survey] = max(found, latest.get(survey, found))
    return latest


def naive_behaviour(page, group, known, cuts, did, zone, now):
    """``did`` is what the engagement rules gave."""
    bought = naive_rfm(
        page, {**group, "weights": {"r": 1, "f": 1, "m": 0}}, known["purchases"], cuts,
        known["subject"], zone, now,
    )  # fmt: skip
    terms, inputs = list(did["terms"]), did["known"]
    if bought["terms"]:
        r, f, _ = bought["rfm"]["scores"]
        most = group["purchases"]
        terms += [("recency", most / 2 * (r - 1) / 4), ("frequency", most / 2 * (f - 1) / 4)]
        inputs += 2
    flags = [flag for flag in bought.get("flags", []) if flag != "alike:m"]
    asked = did["asked"] + 2
    return {"terms": terms, "known": inputs, "asked": asked, "rfm": bought["rfm"], "flags": flags}


def naive_class(page, group_values, score, fitted):
    """``group_values`` are the values that components of the model value found, first one first."""
    classes, borders = page["customer"]["classes"], fitted.get("classes")
    if "value_shares" in classes and borders and group_values:
        group, value = group_values[0]
        if json.loads(borders["basis"]) == basis_of(page, group):
            for name in "AB":
                if borders[name] is not None and value >= borders[name]:
                    return name
            return "C"
    return "A" if score >= classes["A"] else "B" if score >= classes["B"] else "C"


def newcomer_tags(page, purchases, now):
    days = page["customer"].get("new_days")
    if days is None or not purchases:
        return []
    if now - min(at for at, _, _ in purchases) >= timedelta(days=days):
        return []
    return ["customer:new"] + (["customer:first-time"] if len(purchases) == 1 else [])
