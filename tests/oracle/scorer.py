"""A second, naive scorer: what a card should say, by plain loops over the policy's page.

It shares no line and no import with the product, so that the same mistake would have to be
made twice. It is slow and means to be: every number is recomputed where it is needed.

``naive_card(page, facts, cuts, subject, now)`` takes the page as read from YAML, facts as JSON
rows, the cut points of the population (or None) and an aware instant. Points are not rounded.
"""

import json
import re
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.oracle.customers import (
    naive_behaviour,
    naive_class,
    naive_satisfaction,
    naive_value,
    newcomer_tags,
)
from tests.oracle.lead import (
    by_hand,
    knowledge,
    machine_section,
    once_each,
    people_and_machines,
    reset_times,
    run_engagement,
)
from tests.oracle.purchases import naive_sales
from tests.oracle.rfm import naive_rfm


def naive_card(page, facts, cuts, subject, now, fitted=None):
    rows = newest_rows(facts, subject)
    people, machines = people_and_machines(page, find_activities(rows, now))
    known = {
        "subject": subject,
        "rows": rows,
        "fitted": fitted or {},
        "attributes": find_attributes(rows, subject),
        "people": people,
        "purchases": find_purchases(rows, now),
    }
    known["begun"] = reset_times(page, known, linked_deals(rows), now)
    lead, lead_inputs = lead_part(page, known, cuts, now)
    customer, rfm, customer_inputs = None, None, []
    if known["purchases"]:
        customer, rfm, customer_inputs = customer_part(page, known, cuts, now)

    names = {"grade": lead["grade"], "temperature": lead["temperature"]}
    if customer:
        names["class"] = customer["class"]
    if rfm and rfm["segment"]:
        names["segment"] = rfm["segment"]
    inputs = lead_inputs + customer_inputs
    is_customer = bool(known["purchases"])
    complete, gaps = knowledge(page, known["attributes"], is_customer, truth, inputs)
    return {
        "score": customer["score"] if customer else lead["score"],
        "lead": lead,
        "customer": customer,
        "rfm": rfm,
        "tags": sorted(
            tags_of(names, rfm)
            + newcomer_tags(page, known["purchases"], now)
            + marks_of(page, names)
        ),
        "next_action": action_for(page, names),
        "completeness": complete,
        "gaps": gaps,
        "machines": machine_section(machines),
        "begun": known["begun"],
    }


def lead_part(page, known, cuts, now):
    total, inputs, names, parts, values, most = 0.0, [], [], [], {}, {}
    for group in page["lead"]["groups"]:
        seen = known
        if group["id"] in known["begun"]:
            begun_at, _ = known["begun"][group["id"]]
            seen = known | {"people": [one for one in known["people"] if one["at"] > begun_at]}
        result = run_model(page, group, seen, cuts, now)
        inputs.append((result["known"], result["asked"]))
        weight, (low, high) = group.get("weight", 1), group.get("cap", [0, 100])
        points = [points for _, points in result["terms"]]
        values[group["id"]] = weight * min(max(sum(points), low), high)
        most[group["id"]] = weight * min(high, most_points(group))
        total += values[group["id"]]
        names += [f"{group['id']}.{name}" for name, _ in result["terms"]]
        parts += [weight * part for part in limit(points, low, high)]
    points = min(max(total, 0), 100)
    computed = round_half_up(points)
    given = by_hand(page, known["attributes"])
    score = computed if given is None else given
    bands = page["lead"]["temperatures"]
    lead = {
        "score": score,
        "computed": None if given is None else computed,
        "points": points,
        "grade": grade_letter(page, "fit", "ABC", values, most)
        + grade_letter(page, "engagement", "123", values, most),
        "temperature": (
            "hot" if score >= bands["hot"] else "warm" if score >= bands["warm"] else "cold"
        ),
        "contributions": dict(zip(names, limit(parts, 0, 100), strict=True)),
    }
    return lead, inputs


def grade_letter(page, side, letters, values, most):
    rule = page["lead"]["grade"][side]
    reached = sum(values[name] for name in rule["groups"])
    possible = sum(most[name] for name in rule["groups"])
    share = reached / possible if possible > 0 else 0
    if share >= rule["at_least"][0] - 1e-9:
        return letters[0]
    return letters[1] if share >= rule["at_least"][1] - 1e-9 else letters[2]


def customer_part(page, known, cuts, now):
    rfm, inputs, mixed, all_weight, known_weight = None, [], 0.0, 0.0, 0.0
    values = []
    components, lines = {}, {}
    for group in page["customer"]["components"]:
        result = run_model(page, group, known, cuts, now)
        inputs.append((result["known"], result["asked"]))
        weight, (low, high) = group.get("weight", 1), group.get("cap", [0, 100])
        all_weight += weight
        rfm = rfm or result.get("rfm")
        if "value" in result:
            values.append((group, result["value"]))
        if result["known"] == 0:
            continue
        known_weight += weight
        points = [points for _, points in result["terms"]]
        components[group["id"]] = min(max(sum(points), low), high)
        mixed += weight * components[group["id"]]
        capped = limit(points, low, high)
        for (name, _), part in zip(result["terms"], capped, strict=True):
            lines[f"{group['id']}.{name}"] = weight * part
    if known_weight == 0:
        return None, rfm, inputs
    score = round_half_up(mixed / known_weight)
    customer = {
        "score": score,
        "points": mixed / known_weight,
        "class": naive_class(page, values, score, known["fitted"]),
        "components": components,
        "confidence": known_weight / all_weight,
        "contributions": {name: part / known_weight for name, part in lines.items()},
    }
    return customer, rfm, inputs


def tags_of(names, rfm):
    tags = []
    if "class" in names:
        tags.append("class:" + names["class"])
    if "segment" in names:
        tags.append("segment:" + names["segment"].replace("_", "-"))
    if rfm and rfm.get("one_time_buyer"):
        tags.append("customer:one-time-buyer")
    return sorted(tags)


def marks_of(page, names):
    fitting = []
    for row in page.get("tags", []):
        answers = [name in names and names[name] in row["when"][name] for name in row["when"]]
        fitting += ["mark:" + row["id"].replace("_", "-")] if False not in answers else []
    return fitting


def action_for(page, names):
    for action in page.get("actions", []):
        fitting = [name for name in action["when"] if names.get(name) in action["when"][name]]
        if len(fitting) == len(action["when"]):
            return action["id"]
    return None


# --- facts -----------------------------------------------------------------------------------


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def newest_rows(facts, subject):
    """Only this subject's; of each state the newest version; each activity once."""
    kept = {}
    for row in facts:
        if row["subject"] != subject:
            continue
        identity = (row["type"], row["id"])
        if row["type"] == "activity":
            identity = (*identity, instant(row["occurred_at"]))
        if row["type"] == "links":
            identity = ("links",)
        age = (
            instant(row.get("modified_at") or row["occurred_at"]),
            instant(row["occurred_at"]),
            json.dumps(row["data"], sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        )
        if identity not in kept or age > kept[identity][0]:
            kept[identity] = (age, row)
    return [row for _, row in kept.values()]


def links(rows):
    for row in rows:
        if row["type"] == "links":
            return row["data"]
    return None


def find_attributes(rows, subject):
    _, kind, identity = subject.split(":", 2)
    own = {}
    for row in rows:
        if row["type"] == kind and row["id"] == identity:
            own = dict(row["data"])
    accounts = {row["id"]: row["data"] for row in rows if row["type"] == "account"}
    order = sorted(accounts) if links(rows) is None else links(rows).get("account", [])
    account = {}
    for name in order:
        if name in accounts:
            account = accounts[name]
            break
    if kind == "account":
        account = own
    everything = dict(own)
    for name, value in account.items():
        everything["account." + name] = value
    return everything


def find_activities(rows, now):
    found = []
    for row in rows:
        if row["type"] == "activity":
            count = row["data"].get("count", 1)
            found.append({"at": instant(row["occurred_at"]), "id": row["id"],
                          "kind": row["data"]["kind"], "count": count, "data": row["data"]})  # fmt: skip
    return [one for one in once_each(found) if one["count"] > 0 and one["at"] <= now]


def linked_deals(rows):
    linked = links(rows)
    deals = [row for row in rows if row["type"] == "deal"]
    return [row["data"] for row in deals
            if linked is None or row["id"] in linked.get("deal", [])]  # fmt: skip


def find_purchases(rows, now):
    linked = links(rows)
    sales = naive_sales(rows, None if linked is None else linked.get("deal", []), now)
    own = [sale for sale in sales if sale["credit"] is None]
    return [(sale["at"], sale["amount"], sale["currency"]) for sale in own]


# --- models ----------------------------------------------------------------------------------


def run_model(page, group, known, cuts, now):
    zone = ZoneInfo(page["time_zone"])
    if group["model"] == "fit":
        return run_fit(group, known["attributes"])
    if group["model"] == "engagement":
        return run_engagement(page, group, known["people"], now)
    if group["model"] == "rfm":
        return naive_rfm(page, group, known["purchases"], cuts, known["subject"], zone, now)
    if group["model"] == "value":
        return naive_value(page, group, known, now)
    if group["model"] == "satisfaction":
        return naive_satisfaction(group, known, now)
    if group["model"] == "behaviour":
        did = run_engagement(page, group, known["people"], now)
        return naive_behaviour(page, group, known, cuts, did, zone, now)
    raise ValueError(f"the oracle knows no model {group['model']}")


def most_points(group):
    if group["model"] == "fit":
        return sum(max(rule["points"], 0) for rule in group["rules"])
    return 100 if group["model"] == "rfm" else float("inf")


def run_fit(group, attributes):
    terms, known = [], 0
    for rule in group["rules"]:
        holds = truth(rule["when"], attributes)
        if holds != "unknown":
            known += 1
        if holds == "yes":
            terms.append((rule["id"], rule["points"]))
    return {"terms": terms, "known": known, "asked": len(group["rules"])}


# --- conditions, in words instead of three-valued arithmetic ---------------------------------


def truth(condition, attributes):
    answer = "unknown"
    if "all" in condition:
        answers = [truth(part, attributes) for part in condition["all"]]
        answer = "no" if "no" in answers else "unknown" if "unknown" in answers else "yes"
    elif "any" in condition:
        answers = [truth(part, attributes) for part in condition["any"]]
        answer = "yes" if "yes" in answers else "unknown" if "unknown" in answers else "no"
    elif "not" in condition:
        answer = {"yes": "no", "no": "yes", "unknown": "unknown"}[
            truth(condition["not"], attributes)
        ]
    else:
        value = attributes.get(condition["attribute"])
        answers = [
            ask(name, operand, None if value == "" else value)
            for name, operand in condition.items()
            if name not in ("attribute", "when_missing")
        ]
        answer = "no" if "no" in answers else "unknown" if "unknown" in answers else "yes"
    if answer == "unknown" and "when_missing" in condition:
        return "yes" if condition["when_missing"] else "no"
    return answer


def ask(name, operand, value):
    if name in ("present", "missing"):
        return yes_or_no((value is not None) == (operand if name == "present" else not operand))
    if value is None:
        return "unknown"
    if name in ("equals", "in"):
        return yes_or_no(is_among(value, operand if name == "in" else [operand]))
    if name in ("at_least", "at_most", "between"):
        if isinstance(value, (str, bool)):
            return "unknown"
        low, high = {
            "at_least": (operand, None), "at_most": (None, operand), "between": operand,
        }[name]  # fmt: skip
        return yes_or_no((low is None or low <= value) and (high is None or value <= high))
    return ask_text(name, operand, value) if isinstance(value, str) else "unknown"


def ask_text(name, operand, value):
    words = [operand] if isinstance(operand, str) else operand
    found = {
        "matches": lambda word: re.search(word, plain(value), re.IGNORECASE) is not None,
        "contains": lambda word: plain(word) in plain(value),
        "has_word": lambda word: stands_alone(plain(word), plain(value)),
    }[name]
    return yes_or_no(any(found(word) for word in words))


def yes_or_no(holds):
    return "yes" if holds else "no"


def is_among(value, wanted):
    for one in wanted:
        if isinstance(one, str) and isinstance(value, str) and plain(one) == plain(value):
            return True
        if type(one) is bool and type(value) is bool and one == value:
            return True
        numbers = [type(one) in (int, float), type(value) in (int, float)]
        if all(numbers) and one == value:
            return True
    return False


def stands_alone(word, text):
    for start in range(len(text) - len(word) + 1):
        if text[start : start + len(word)] == word:
            before = text[start - 1] if start > 0 else " "
            after = text[start + len(word)] if start + len(word) < len(text) else " "
            if not (before.isalnum() or before == "_" or after.isalnum() or after == "_"):
                return True
    return False


def plain(text):
    """Letters as rules compare them (Persian and Latin, as far as the tests need it)."""
    text = unicodedata.normalize("NFKC", text)
    for alike in ("یيىئ", "کك", "اآأإٱ", "وؤ", "هةۀ"):
        for letter in alike[1:]:
            text = text.replace(letter, alike[0])
    for (
        mark
    ) in "ء\u0640\u0670\u200c\u200e\u200f\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0654":
        text = text.replace(mark, "")
    for digit in range(10):
        text = text.replace("۰۱۲۳۴۵۶۷۸۹"[digit], str(digit))
        text = text.replace("٠١٢٣٤٥٦٧٨٩"[digit], str(digit))
    return " ".join(text.casefold().split())


# --- arithmetic ------------------------------------------------------------------------------


def limit(points, low, high):
    """Scaled so that they sum to what the bounds allow."""
    plus = sum(p for p in points if p > 0)
    minus = sum(-p for p in points if p < 0)
    if plus - minus > high:
        return [p * (high + minus) / plus if p > 0 else p for p in points]
    if plus - minus < low:
        return [p * (plus - low) / minus if p < 0 else p for p in points]
    return points


def round_half_up(value):
    return int(value + 0.5 + 1e-9)
