"""The whole card as JSON, by plain loops.

``whole_card(page, facts, subject, now, fitted)`` is what ``docs/reference/card.schema.json`` says,
with these differences. Left out are the sentences: ``reasons``, and the ``text`` of contributions,
gaps, machine activities, suggestions, next segments and of all that stands in ``loyalty``; and what
is no business of the facts: ``policy``, ``models``, ``next_change_at``, ``class_founded_at``.
Contributions and gaps stand by id, contributions with their exact points, also those that round to
0: ``is_shared_out`` says whether whole points are a rounding of them.

Beside the ``card`` stand ``staying_tags``, the ``last_purchase`` as instant, sum and currency, and
``edges``: where one of these is whole, the last bit of binary arithmetic decides.
"""

from tests.oracle.calls import naive_priority, said
from tests.oracle.pipeline_value import naive_forecast
from tests.oracle.products import naive_suggestion
from tests.oracle.purchases import naive_doubts
from tests.oracle.readings import links
from tests.oracle.scorer import fits, limit, naive_card


def whole_card(page, facts, subject, now, fitted):
    naive = naive_card(page, facts, fitted.get("rfm"), subject, now, fitted)
    known, lead, customer = naive["known"], naive["lead"], naive["customer"]
    advice = advice_of(page, naive["names"])
    low = customer["class"] == "C" if customer else lead["temperature"] == "cold"
    card = {
        "subject": subject,
        "at": said(now),
        "score": naive["score"],
        "lead": lead_json(lead, known),
        "customer": customer and customer_json(customer, naive["components"], known),
        "rfm": rfm_json(naive["rfm"], page),
        "segments": naive["segments"],
        "tags": naive["tags"],
        "completeness": naive["completeness"],
        "unknown": naive["gaps"],
        "machine_traffic": machines_json(known["machines"]),
        "next_action": advice.get("text"),
        "flags": flags_of(known, lead["groups"] + naive["components"], now),
        "stage": naive["stage"],
        "forecast": naive_forecast(page, deals_of(known), fitted, now, known["wins"]),
        "campaign": advice.get("campaign"),
        "service_level": advice.get("service_level"),
        "priority": naive_priority(page, known, lead, low, advice) if "priority" in page else None,
        "suggestion": naive_suggestion(page, known, now),
        "value": value_json(page, naive["components"]),
        "satisfaction": first_with(naive["components"], "satisfaction"),
        "loyalty": naive["loyalty"],
        "prediction": known["prediction"],
    }
    bought = known["purchases"]
    return {
        "card": card,
        "edges": edges_of(naive, card),
        "staying_tags": naive["staying_tags"],
        "last_purchase": bought[-1] if bought else None,
    }


def edges_of(naive, card):
    edges = [naive["lead"]["points"] - 0.5, *(2 * share for share in naive["shares"])]
    if naive["customer"]:
        edges.append(naive["customer"]["points"] - 0.5)
    for section in ("priority", "forecast"):
        if card[section]:
            edges += [amount - 0.5 for amount in card[section].pop("unrounded")]
    return edges


def advice_of(page, names):
    """Of each member the first action that fits and has it."""
    advice = {}
    for action in page.get("actions", []):
        if fits(action, names):
            for member in ("text", "campaign", "service_level", "assign_to"):
                if member in action:
                    advice.setdefault(member, action[member])
    return advice


def deals_of(known):
    linked = links(known["rows"])
    return [row for row in known["rows"] if row["type"] == "deal"
            and (linked is None or row["id"] in linked.get("deal", []))]  # fmt: skip


# --- numbers and what they are made of -------------------------------------------------------


def lead_json(lead, known):
    lines, limits = lines_of(lead["groups"], 1, known)
    bounded = limit([line["exact"] for line in lines.values()], 0, 100)
    total = sum(line["exact"] for line in lines.values())
    if not -1e-3 <= total <= 100.001:
        limits.append({"group": "total", "points": total, "limit": 100 if total > 100 else 0})
    for line, exact in zip(lines.values(), bounded, strict=True):
        line["exact"] = exact
    return {
        "score": lead["score"],
        "computed": lead["computed"],
        "grade": lead["grade"],
        "temperature": lead["temperature"],
        "contributions": lines,
        "limits": limits,
        "resets": [
            {"group": group, "reset": reset, "at": said(at)}
            for group, (at, reset) in sorted(known["begun"].items())
        ],
    }


def customer_json(customer, components, known):
    read = [(group, result) for group, result in components if result["known"]]
    lines, limits = lines_of(read, 1 / sum(group.get("weight", 1) for group, _ in read), known)
    return {
        "score": customer["score"],
        "class": customer["class"],
        "class_certain": customer["confidence"] >= 0.5,
        "components": customer["components"],
        "confidence": customer["confidence"],
        "contributions": lines,
        "limits": limits,
    }


def lines_of(read, factor, known):
    lines, limits = {}, []
    for group, result in read:
        weight, (low, high) = factor * group.get("weight", 1), group.get("cap", [0, 100])
        points = [points for _, points in result["terms"]]
        if not low - 1e-3 <= sum(points) <= high + 1e-3:
            edge = high if sum(points) > high else low
            limits.append({"group": group["id"], "points": sum(points), "limit": edge})
        for (name, free), part in zip(result["terms"], limit(points, low, high), strict=True):
            lines[f"{group['id']}.{name}"] = {
                "exact": weight * part,
                "unlimited": weight * free,
                "half_life_days": half_life(group, name, known),
            }
    return lines, limits


def half_life(group, name, known):
    for rule in group.get("rules", []):
        if rule["id"] == name and group["model"] != "fit":
            return rule.get("half_life_days")
    if group["model"] == "satisfaction" and "satisfaction" in known["fitted"]:
        return None if name == "average" else group.get("half_life_days", 180)
    return None


def is_shared_out(points, exact, total):
    """Whether whole ``points`` by id are the ``exact`` ones rounded to ``total`` by largest
    remainder; what is not among them is 0.
    """
    up = [one for one in exact if points.get(one, 0) > exact[one] + 1e-6]
    down = [one for one in exact if points.get(one, 0) < exact[one] - 1e-6]
    return (
        points.keys() <= exact.keys()
        and sum(points.values()) == total
        and all(abs(points.get(one, 0) - exact[one]) < 1 + 1e-6 for one in exact)
        and all(exact[one] % 1 >= exact[other] % 1 - 1e-6 for one in up for other in down)
    )


# --- other sections --------------------------------------------------------------------------


def rfm_json(rfm, page):
    if rfm is None:
        return None
    scores = rfm["scores"]
    coming = rfm["next_segment"]
    return rfm | {
        "monetary": {"amount": rfm["monetary"], "currency": page["currency"]},
        "number": int("".join(map(str, scores))) if scores else None,
        "next_segment": coming and {"purchases": coming[0], "segment": coming[1]},
    }


def machines_json(machines):
    section = []
    for check in sorted({check for _, check in machines}):
        found = [one for one, why in machines if why == check]
        found.sort(key=lambda one: (one["at"], one["kind"], one["id"]))
        examples = [
            {"id": one["id"], "kind": one["kind"], "occurred_at": said(one["at"])}
            for one in found[::-1][:3]
        ]
        count = sum(one["count"] for one in found)
        section.append({"check": check, "count": count, "examples": examples})
    return section


def flags_of(known, read, now):
    linked = links(known["rows"])
    ids = None if linked is None else linked.get("deal", [])
    flags = naive_doubts(known["rows"], ids, now)
    for _, result in read:
        flags += result.get("flags", [])
    return sorted(set(flags))


def value_json(page, components):
    parts = first_with(components, "parts")
    if parts is None:
        return None
    sums = {"total": first_with(components, "value"), **parts}
    windows = {str(days): sum_ for days, sum_ in first_with(components, "windows").items()}
    money = page["currency"]
    return {name: {"amount": sum_, "currency": money} for name, sum_ in sums.items()} | {
        "windows": {days: {"amount": sum_, "currency": money} for days, sum_ in windows.items()}
    }


def first_with(components, name):
    return next((result[name] for _, result in components if name in result), None)
