"""The naive reading of chapters 0, 1 and 18: who did it, since when it counts, what is unknown.

Imports nothing of the product. Activities are dictionaries with ``at``, ``id``, ``kind``,
``count`` and ``data``; the page is as read from YAML.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from tests.oracle.happenings import matches

PROGRAMS = """barracuda|bot/|crawler|curl/|go-http-client|headlesschrome|mimecast|proofpoint
|python-requests|spider|wget/""".replace("\n", "").split("|")


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def once_each(activities):
    """Of one kind and id only the earliest."""
    kept = {}
    for one in activities:
        name = one["kind"], one["id"]
        if name not in kept or one["at"] < kept[name]["at"]:
            kept[name] = one
    return list(kept.values())


# --- machines --------------------------------------------------------------------------------


def people_and_machines(page, activities):
    rules = page.get("machine_traffic", {})
    people, machines = [], []
    for one in activities:
        reason = machine_reason(one, activities, rules)
        if reason is None:
            people.append(one)
        else:
            machines.append((one, reason))
    confirmed = any(one["kind"] == "email.complained" for one in activities) or any(
        one["kind"] == "email.unsubscribed" for one in people
    )
    if confirmed:
        people += [one for one, _ in machines if one["kind"] == "email.unsubscribed"]
        machines = [pair for pair in machines if pair[0]["kind"] != "email.unsubscribed"]
    return people, machines


def machine_reason(one, activities, rules):
    if vouched(one, rules):
        return None
    is_click = one["kind"] in ("email.clicked", "email.unsubscribed")
    findings = {
        "too_soon": is_click and came_too_soon(one, activities, rules),
        "burst": is_click and any(in_one_burst(one, other, rules) for other in activities),
        "unopened": one["kind"] == "email.clicked" and never_opened(one, activities),
        "agent": is_program(one["data"].get("user_agent", "").lower(), rules),
        "network": "ip" in one["data"] and in_networks(one["data"]["ip"], rules),
        "privacy_proxy": one["kind"] == "email.opened" and is_private(one["data"]),
    }
    reasons = [name for name, found in findings.items() if found and name not in off(rules)]
    return reasons[0] if reasons else None


def off(rules):
    return rules.get("off", [])


def came_too_soon(one, activities, rules):
    within = rules.get("after_delivery_seconds", 3)
    if "delivered_at" in one["data"]:
        delivered = instant(one["data"]["delivered_at"])
        return abs((one["at"] - delivered).total_seconds()) <= within
    for mail in activities:
        if mail["kind"] == "email.sent" and one["at"] >= mail["at"]:
            messages = {of["data"]["message"] for of in (one, mail) if "message" in of["data"]}
            if len(messages) < 2 and (one["at"] - mail["at"]).total_seconds() <= within:
                return True
    return False


def never_opened(one, activities):
    said = one["data"]
    if said.get("opens_reported") is not True or "message" not in said:
        return False
    return not any(
        other["kind"] == "email.opened" and other["data"].get("message") == said["message"]
        for other in activities
    )


def is_program(agent, rules):
    return any(word.lower() in agent for word in rules.get("agents", PROGRAMS))


def in_networks(address, rules):
    return any(ip_address(address) in ip_network(one) for one in rules.get("networks", []))


def is_private(said):
    return said.get("privacy_proxy") is True or said.get("user_agent") == "Mozilla/5.0"


def vouched(one, rules):
    return one["data"].get("human") is True or one["id"] in rules.get("humans", [])


def in_one_burst(one, other, rules):
    if other["kind"] not in ("email.clicked", "email.unsubscribed") or vouched(other, rules):
        return False
    if "message" not in one["data"] or one["data"]["message"] != other["data"].get("message"):
        return False
    links = [link_of(one), link_of(other)]
    if None in links or links[0] == links[1]:
        return False
    return abs((one["at"] - other["at"]).total_seconds()) <= rules.get("burst_seconds", 2)


def link_of(one):
    way_out = "the way out" if one["kind"] == "email.unsubscribed" else None
    return one["data"].get("link", way_out)


def machine_section(machines):
    section = {}
    for reason in sorted({reason for _, reason in machines}):
        found = [one for one, why in machines if why == reason]
        found.sort(key=lambda one: (one["at"], one["kind"], one["id"]))
        section[reason] = {
            "count": sum(one["count"] for one in found),
            "examples": [one["id"] for one in reversed(found[-3:])],
        }
    return section


# --- resets and what a person says -----------------------------------------------------------


def reset_times(page, known, rows_of_deals, now):
    """By group: when it began anew, and by which reset."""
    begun = {}
    for reset in page["lead"].get("resets", []):
        times = []
        if "deal" in reset["when"]:
            times = [instant(row["closed_at"]) for row in rows_of_deals
                     if row.get("status") == "lost" and row.get("closed_at")]  # fmt: skip
        if "activity" in reset["when"]:
            times = [
                one["at"] for one in known["people"] if one["kind"] == reset["when"]["activity"]
            ]
        if "attribute" in reset["when"]:
            text = known["attributes"].get(reset["when"]["attribute"])
            if text and text[:4].isdigit():
                times = [local_instant(text, page["time_zone"])]
        for time in times:
            for group in reset["groups"] if time <= now else []:
                begun[group] = max(begun.get(group, (time, "")), (time, reset["id"]))
    return begun


def local_instant(text, zone):
    if len(text) == 10:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return instant(text)


def by_hand(page, attributes):
    value = attributes.get(page["lead"].get("override"))
    if type(value) not in (int, float):
        return None
    return int(min(max(value, 0), 100) + 0.5)


# --- engagement under limits -----------------------------------------------------------------


def run_engagement(page, group, activities, now):
    terms = []
    for rule in group["rules"]:
        mine = [one for one in activities if one["kind"] == rule["when"]["activity"]]
        mine = [one for one in mine if matches(one["data"], rule["when"].get("where", {}))]
        if mine:
            terms.append((rule["id"], rule_points(page, rule, mine, now)))
    return {"terms": terms, "known": 1, "asked": 1}


def rule_points(page, rule, activities, now):
    points, taken, zone = 0.0, {}, ZoneInfo(page["time_zone"])
    for one in sorted(activities, key=lambda one: (one["at"], one["id"])):
        value = one["data"].get(rule["per"]) if "per" in rule else 1
        if value is None:
            continue
        places = places_of(page, rule, one["data"], one["at"].astimezone(zone).date())
        age = (now - one["at"]) / timedelta(days=1)
        half_life = rule.get("half_life_days")
        worth = rule["points"] * value * (0.5 ** (age / half_life) if half_life else 1)
        for _ in range(one["count"]):
            points += worth if finds_room(places, taken) else 0
    return points


def finds_room(places, taken):
    """Each limit as it finds what the narrower ones have left over."""
    for place, most in places:
        if taken.get(place, 0) >= most:
            return False
        taken[place] = taken.get(place, 0) + 1
    return True


def places_of(page, rule, data, day):
    places = []
    if "max_per_session" in rule and "session" in data:
        places.append((("session", data["session"]), rule["max_per_session"]))
    if "max_per_day" in rule:
        places.append((("day", day), rule["max_per_day"]))
    if "max_per_period" in rule:
        # 1 January of the year 1 was a Monday, and the Saturday before it has the number -1.
        first = -1 if page["calendar"] == "jalali" else 1
        number = (day.toordinal() - first) // rule["max_per_period"]["days"]
        places.append((("period", number), rule["max_per_period"]["count"]))
    return places


# --- what is not known -----------------------------------------------------------------------


def names_in(condition):
    names = [condition["attribute"]] if "attribute" in condition else []
    for part in (*condition.get("all", []), *condition.get("any", [])):
        names += names_in(part)
    return names + (names_in(condition["not"]) if "not" in condition else [])


def stakes(group, attributes, truth):
    """Points that hang on attributes, and those of them on each that is missing."""
    whole, missing = 0, {}
    for rule in group["rules"] if group["model"] == "fit" else []:
        names = list(dict.fromkeys(names_in(rule["when"])))
        if not names:
            continue
        whole += abs(rule["points"])
        if truth(rule["when"], attributes) == "unknown":
            gone = [name for name in names if attributes.get(name) in (None, "")] or names
            for name in gone:
                missing[name] = missing.get(name, 0) + abs(rule["points"]) / len(gone)
    return whole, missing


def knowledge(page, attributes, is_customer, truth, inputs, since=None):
    """The share of points that hang on what is known, and the points that each gap takes.

    ``since`` has, for lead groups that have begun anew, what they still know.
    """
    seen = {**{group["id"]: attributes for group in page["lead"]["groups"]}, **(since or {})}
    sections = [
        (group, group.get("weight", 1), seen[group["id"]]) for group in page["lead"]["groups"]
    ]
    if is_customer:
        parts = page["customer"]["components"]
        mixed = sum(part.get("weight", 1) for part in parts)
        sections += [(part, part.get("weight", 1) / mixed, attributes) for part in parts]
    whole, missing = 0, {}
    for group, weight, told in sections:
        stake, gaps = stakes(group, told, truth)
        whole += weight * stake
        for name, points in gaps.items():
            missing[name] = missing.get(name, 0) + weight * points
    missing = {name: points for name, points in missing.items() if points > 0}
    if whole > 0:
        return 1 - sum(missing.values()) / whole, missing
    asked = sum(asked for _, asked in inputs)
    return (sum(known for known, _ in inputs) / asked if asked else 1), missing
