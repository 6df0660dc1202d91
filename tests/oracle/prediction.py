"""What is predicted of one person, by the formulas as they stand in print.

Source: Batislam, Denizel and Filiztekin 2007 for the chance to be alive; Fader and Hardie's note 021
for that of a purchase. Sums of money are left out: ``tests.scoring.test_future`` has them.
"""

import itertools
import math
from datetime import datetime, time, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from tests.oracle.conditions import truth
from tests.oracle.readings import linked_rows

DAY = timedelta(days=1)


def naive_prediction(page, known, now):
    """None where nothing is asked, known or to be told."""
    asked = page.get("prediction")
    if asked is None or ":account:" in known["subject"]:
        return None
    zone = ZoneInfo(page["time_zone"])
    week = week_start(now.astimezone(zone).date(), page["calendar"])
    days = sorted({sale[0].astimezone(zone).date() for sale in known["purchases"]})
    found = dict.fromkeys(
        ["alive", "churn", "purchase_30", "purchase_90", "overdue", "chance", "horizon_days",
         "cluster"]
    )  # fmt: skip
    day = max([week, *days[-1:]])
    found |= {"as_of": day.isoformat(), "learning": False}
    if days and "purchases" in asked and "purchases" in known["fitted"]:
        found |= buyer(known["fitted"]["purchases"], days, day)
    if "subscriptions" in asked:
        found |= subscriber(asked["subscriptions"], known, days, day, midnight(week, zone))
    if "leads" in asked and "propensity" in known["fitted"]:
        found |= lead(asked["leads"], known, midnight(week, zone))
    if days and "clusters" in asked and "clusters" in known["fitted"]:
        found["cluster"] = cluster(known["fitted"]["clusters"], page, known, days, day)
    churn = found["churn"]
    found["level"] = churn and ("low" if churn < 0.3 else "medium" if churn < 0.6 else "high")
    told = [value for name, value in found.items() if name not in ("as_of", "learning")]
    return found if any(value is not None for value in told) else None


def week_start(day, calendar):
    while day.weekday() != (5 if calendar == "jalali" else 0):
        day -= DAY
    return day


def midnight(day, zone):
    return datetime.combine(day, time(), zone)


def buyer(model, days, day):
    x = len(days) - 1
    recency, age = (days[-1] - days[0]).days / 7, (day - days[0]).days / 7
    odds = model["a"] / (model["b"] + x)
    odds *= ((model["alpha"] + age) / (model["alpha"] + recency)) ** (model["r"] + x)
    alive = 1 / (1 + odds)

    def told(within):
        left = (model["alpha"] + age) / (model["alpha"] + age + within / 7)
        return alive * (1 - left ** (model["r"] + x))

    def again(within):
        lines = model["calibration"] or {}
        later = [on_line(line, told(int(n))) for n, line in lines.items() if int(n) >= within]
        return min(later) if later else told(within)

    gaps = [(late - early).days for early, late in itertools.pairwise(days)]
    usual = model["median_gap_days"]
    typical = (x * median(gaps) + 3 * usual) / (x + 3) if gaps else usual
    return {
        "alive": alive,
        "churn": 1 - alive,
        "purchase_30": again(30),
        "purchase_90": again(90),
        "overdue": (day - days[-1]).days / typical,
    }


def on_line(points, x):
    """Straight between the points, flat beyond them."""
    if x >= points[-1][0]:
        return points[-1][1]
    for (left, low), (right, high) in itertools.pairwise(points):
        if left <= x < right:
            return (low * (right - x) + high * (x - left)) / (right - left)
    return points[0][1]


def subscriber(asked, known, days, day, begins):
    due = known["attributes"].get("reset_at")
    if not isinstance(due, str) or not due[:4].isdigit():
        return {}
    zone = begins.tzinfo
    due = due if len(due) == 10 else datetime.fromisoformat(due).astimezone(zone).date().isoformat()
    due = datetime.fromisoformat(due).date()
    if day - due > asked.get("grace_days", 15) * DAY and not [one for one in days if one >= due]:
        return {"churn": 1.0}
    renewed = max(len(days) - 1, 0)
    if "renewals" in known["fitted"]:
        row, at = what_was_done(known, begins)
        row |= {"renewal:survived": renewed, "renewal:tickets": tickets(known["rows"], at)}
        row |= {"renewal:usage": use(asked, known["people"], at)}
        row |= {f"renewal:answer:{kind}": one for kind, one in answers(known["rows"], at).items()}
        return {"churn": chance(known["fitted"]["renewals"], row)}
    if "subscriptions" not in known["fitted"]:
        return {}
    model = known["fitted"]["subscriptions"]
    return {"churn": model["alpha"] / (model["alpha"] + model["beta"] + renewed)}


def use(asked, people, at):
    """None of who never used it, 0 of who has not for 90 days."""
    used = [one for one in people if one["kind"] in asked.get("usage", [one["kind"]])]
    if "usage" not in asked:
        used = [one for one in used if one["kind"] != "email.sent"]
    ages = [((at - one["at"]) / DAY, one["count"]) for one in used]
    if not ages:
        return None
    if min(ages)[0] >= 90:
        return 0
    late = sum(count * 0.5 ** (age / 14) for age, count in ages)
    return 4 * late / sum(count * 0.5 ** (age / 56) for age, count in ages)


def tickets(rows, at):
    opened = [
        datetime.fromisoformat(row["data"]["opened_at"]) for row in linked_rows(rows, "ticket")
    ]
    ages = [(at - one) / DAY for one in opened if one <= at]
    return sum(0.5 ** (age / 14) for age in ages if age < 90)


def answers(rows, at):
    """Of each kind the newest, on a scale of 0-100."""
    newest = {}
    for row in linked_rows(rows, "survey"):
        told = row["data"]
        given = datetime.fromisoformat(told["answered_at"])
        low, high = {"nps": (0, 10), "csat": (1, 5)}.get(told.get("kind"), (1, 0))
        if given <= at and low <= told["value"] <= high:
            one = (given, 100 * (told["value"] - low) / (high - low))
            newest[told["kind"]] = max(one, newest.get(told["kind"], one))
    return {kind: quality for kind, (_, quality) in newest.items()}


def what_was_done(known, begins):
    """The row of a lead, and as of when."""
    told = known["attributes"]
    people = [one for one in known["people"] if one["kind"] != "email.sent"]
    at = max([begins, *(one["at"] for one in people)])
    lately = [one for one in people if at - one["at"] < 90 * DAY]
    kinds = {one["kind"] for one in lately}
    row = {
        "job_title": told.get("job_title") or None,
        "kinds": len(kinds),
        "quiet_days": min([90, *((at - one["at"]) // DAY for one in lately)]),
    }
    if "page.viewed" in kinds:
        row["did:page.viewed"] = sum(
            one["count"] * 0.5 ** ((at - one["at"]) / DAY / 14)
            for one in lately
            if one["kind"] == "page.viewed"
        )
    return row, at


def lead(asked, known, begins):
    if truth(asked["target"], known["attributes"]) == "yes":
        return {}
    model, (row, _) = known["fitted"]["propensity"], what_was_done(known, begins)
    row |= {"bought": len(known["purchases"])}
    return {
        "chance": chance(model, row),
        "horizon_days": model["horizon_days"],
        "learning": model["label"] == "learning",
    }


def chance(model, row):
    odds = model["base"] + sum(
        weight_of(field, row.get(field["name"])) for field in model["fields"]
    )
    return 1 / (1 + math.exp(-odds))


def weight_of(field, value):
    if value is None:
        return field["weights"][-1]
    if field["edges"] is not None:
        return field["weights"][sum(1 for edge in field["edges"] if edge < value)]
    if value in field["values"]:
        return field["weights"][field["values"].index(value)]
    return field["weights"][-2]


def cluster(model, page, known, days, day):
    paid = sum(sale[1] for sale in known["purchases"] if sale[2] == page["currency"])
    values = [(day - days[-1]).days, len(known["purchases"]), paid]
    place = []
    for value, low, high, mean, deviation in zip(
        values, model["low"], model["high"], model["mean"], model["deviation"], strict=True
    ):
        place.append((min(max(math.log(1 + value), low), high) - mean) / deviation)
    far = [sum((a - b) ** 2 for a, b in zip(place, centre, strict=True))
           for centre in model["centres"]]  # fmt: skip
    first, second = sorted(range(len(far)), key=lambda one: far[one])[:2]
    return {
        "id": model["ids"][first],
        "label": model["labels"][first],
        "alternative": model["labels"][second],
    }
