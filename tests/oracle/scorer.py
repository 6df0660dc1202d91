"""A second, naive scorer: what a card should say, by plain loops over the policy's page.

It shares no line and no import with the product, so that the same mistake would have to be
made twice. It is slow and means to be: every number is recomputed where it is needed.

``naive_card(page, facts, cuts, subject, now)`` takes the page as read from YAML, facts as JSON
rows, the cut points of the population (or None) and an aware instant. Points are not rounded.
"""

from zoneinfo import ZoneInfo

from tests.oracle.account import naive_people
from tests.oracle.conditions import Told, truth
from tests.oracle.customers import (
    naive_behaviour,
    naive_class,
    naive_satisfaction,
    naive_value,
    newcomer_tags,
)
from tests.oracle.funnel import naive_standing
from tests.oracle.happened import LONG_AGO, Place
from tests.oracle.lead import (
    by_hand,
    knowledge,
    machine_section,
    people_and_machines,
    reset_times,
    run_engagement,
)
from tests.oracle.pipeline_value import stage_named
from tests.oracle.prediction import naive_prediction
from tests.oracle.products import naive_preferences
from tests.oracle.programme import NaiveWalk
from tests.oracle.purchases import naive_sales
from tests.oracle.readings import (
    find_activities,
    find_attributes,
    find_purchases,
    linked_deals,
    linked_rows,
    links,
    newest_rows,
    story_of,
)
from tests.oracle.rfm import naive_rfm
from tests.oracle.standing import naive_loyalty, run_loyalty, run_potential
from tests.oracle.wins import naive_wins


def naive_card(page, facts, cuts, subject, now, fitted=None):
    rows = newest_rows(facts, subject)
    people, machines = people_and_machines(page, find_activities(rows, now))
    known = {
        "subject": subject,
        "rows": rows,
        "facts": [row for row in facts if row["subject"] == subject],
        "fitted": fitted or {},
        "attributes": find_attributes(rows, subject),
        "people": people,
        "machines": machines,
        "purchases": find_purchases(rows, now),
    }
    story = story_of(page, rows, people, now)
    known["attributes"] = Told(find_attributes(rows, subject), page, story, now)
    known["walk"] = walk_of(page, rows, subject, now)
    known["prediction"] = naive_prediction(page, known, now)
    known["wins"] = naive_wins(page, known, now)
    known["begun"] = reset_times(page, known, linked_deals(rows), now)
    lead, lead_inputs = lead_part(page, known, cuts, now)
    customer, rfm, customer_inputs, read = None, None, [], []
    if known["purchases"]:
        customer, rfm, customer_inputs, read = customer_part(page, known, cuts, now)
    stage, segments = naive_standing(page, known, now)

    own = [row["id"] for row in page.get("segments", [])
           if truth(row["when"], known["attributes"]) == "yes"]  # fmt: skip
    bought_segment = [rfm["segment"]] if rfm and rfm["segment"] else []
    loyalty = known["walk"] and naive_loyalty(
        known["walk"], now, customer["score"] if customer else 0
    )
    names = {
        "grade": [lead["grade"]],
        "temperature": [lead["temperature"]],
        "class": [customer["class"]] if customer else [],
        "segment": bought_segment + own,
        "stage": [stage] if stage else [],
        "tier": [loyalty["tier"]] if loyalty and loyalty["tier"] else [],
        "churn": [known["prediction"]["level"]]
        if known["prediction"] and known["prediction"]["level"]
        else [],
    }
    inputs = lead_inputs + customer_inputs
    is_customer = bool(known["purchases"])
    told, since = known["attributes"], lead["since"]
    complete, gaps = knowledge(page, told, is_customer, truth, inputs, since)
    preferred, staying, shares = naive_preferences(page, known, now)
    return {
        "score": customer["score"] if customer else lead["score"],
        "lead": lead,
        "customer": customer,
        "rfm": rfm,
        "tags": sorted(
            tags_of(names, rfm)
            + newcomer_tags(page, known["purchases"], now)
            + preferred
            + influencer_tags(page, known, now)
            + marks_of(page, names)
        ),
        "staying_tags": staying,
        "next_action": action_for(page, names),
        "completeness": complete,
        "gaps": gaps,
        "machines": machine_section(machines),
        "begun": known["begun"],
        "stage": stage,
        "segments": bought_segment + segments + own,
        "known": known,
        "names": names,
        "components": read,
        "shares": shares,
        "loyalty": loyalty,
    }


def walk_of(page, rows, subject, now):
    """Only people earn points, and not also the company that they buy for."""
    if "loyalty" not in page or ":account:" in subject:
        return None
    place = Place(page["time_zone"], page["calendar"], page["currency"])
    return NaiveWalk(rows, [(LONG_AGO, page["loyalty"])], [], now, place)


def lead_part(page, known, cuts, now):
    total, inputs, names, parts, values, most, read = 0.0, [], [], [], {}, {}, []
    since = {}
    for group in page["lead"]["groups"]:
        seen = known
        if group["id"] in known["begun"]:
            seen = known_since(known, known["begun"][group["id"]][0], now)
            since[group["id"]] = seen["attributes"]
        result = run_model(page, group, seen, cuts, now)
        read.append((group, result))
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
        "groups": read,
        "since": since,
    }
    return lead, inputs


def known_since(known, begun_at, now):
    """As if nothing had been done or bought until then."""
    told = known["attributes"]
    story = {
        name: rows
        if name in ("period", "ticket", "survey")
        else [row for row in rows if row["at"] > begun_at]
        for name, rows in told.story.items()
    }
    people = [one for one in known["people"] if one["at"] > begun_at]
    return known | {"people": people, "attributes": Told(told, told.page, story, now)}


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
    values, read = [], []
    components, lines = {}, {}
    for group in page["customer"]["components"]:
        result = run_model(page, group, known, cuts, now)
        read.append((group, result))
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
        return None, rfm, inputs, read
    score = round_half_up(mixed / known_weight)
    customer = {
        "score": score,
        "points": mixed / known_weight,
        "class": naive_class(page, values, score, known["fitted"]),
        "components": components,
        "confidence": known_weight / all_weight,
        "contributions": {name: part / known_weight for name, part in lines.items()},
    }
    return customer, rfm, inputs, read


def tags_of(names, rfm):
    tags = []
    tags += ["class:" + name for name in names["class"]]
    tags += ["tier:" + name.replace("_", "-") for name in names["tier"]]
    tags += ["segment:" + name.replace("_", "-") for name in names["segment"]]
    if rfm and rfm.get("one_time_buyer"):
        tags.append("customer:one-time-buyer")
    return sorted(tags)


def influencer_tags(page, known, now):
    if "referrals" not in page:
        return []
    deals = links(known["rows"])
    sales = naive_sales(known["rows"], None if deals is None else deals.get("deal", []), now)
    brought = [sale for sale in sales if sale["credit"] == "referral"]
    enough = len(brought) >= page["referrals"].get("influencer_from", 3)
    return ["influencer"] if enough else []


def marks_of(page, names):
    fitting = []
    for row in page.get("tags", []):
        fitting += ["mark:" + row["id"].replace("_", "-")] if fits(row, names) else []
    return fitting


def fits(row, names):
    for name, wanted in row["when"].items():
        if not [one for one in names[name] if one in wanted]:
            return False
    return True


def action_for(page, names):
    for action in [one for one in page.get("actions", []) if "text" in one]:
        if fits(action, names):
            return action["id"]
    return None


# --- models ----------------------------------------------------------------------------------


def run_model(page, group, known, cuts, now):
    zone = ZoneInfo(page["time_zone"])
    bought, subject = known["purchases"], known["subject"]
    did = run_engagement(page, group, known["people"], now) if needs_doings(group) else None
    return {
        "fit": lambda: run_fit(group, known["attributes"]),
        "engagement": lambda: did,
        "rfm": lambda: naive_rfm(page, group, bought, cuts, subject, zone, now),
        "value": lambda: naive_value(page, group, known, now),
        "satisfaction": lambda: naive_satisfaction(group, known, now),
        "behaviour": lambda: naive_behaviour(page, group, known, cuts, did, zone, now),
        "roll_up": lambda: naive_people(group, known["rows"], subject),
        "loyalty": lambda: run_loyalty(group, known["walk"], now),
        "potential": lambda: run_potential(chances(page, known), known["prediction"]),
    }[group["model"]]()


def chances(page, known):
    """Of each open deal in a stage of which training has learned how many are won."""
    odds = known["fitted"].get("stages", {}).get("p", {})
    for row in linked_rows(known["rows"], "deal"):
        stage = stage_named(page, row["data"])
        if row["data"].get("status", "open") == "open" and stage in odds:
            yield known["wins"].get(row["id"], odds[stage]), row["id"]


def needs_doings(group):
    return group["model"] in ("engagement", "behaviour")


def most_points(group):
    if group["model"] == "fit":
        return sum(max(rule["points"], 0) for rule in group["rules"])
    return float("inf") if needs_doings(group) else 100


def run_fit(group, attributes):
    terms, known = [], 0
    for rule in group["rules"]:
        holds = truth(rule["when"], attributes)
        if holds != "unknown":
            known += 1
        if holds == "yes":
            terms.append((rule["id"], rule["points"]))
    return {"terms": terms, "known": known, "asked": len(group["rules"])}


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
