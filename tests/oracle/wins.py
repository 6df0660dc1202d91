"""How likely open deals are to be won, field by field of a row that is made by plain loops."""

import math
from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.oracle.funnel import stays_by_deal
from tests.oracle.pipeline_value import ORDER
from tests.oracle.prediction import midnight, week_start, weight_of
from tests.oracle.readings import linked_rows

DAY = timedelta(days=1)


def naive_wins(page, known, now):
    """Chances by deal; empty where only stages tell."""
    model = known["fitted"].get("deals")
    if "deals" not in page.get("prediction", {}) or "funnel" not in page or model is None:
        return {}
    zone = ZoneInfo(page["time_zone"])
    week = midnight(week_start(now.astimezone(zone).date(), page["calendar"]), zone)
    stays, chances = stays_by_deal(page, known), {}
    for row in linked_rows(known["rows"], "deal"):
        if row["data"].get("status", "open") != "open":
            continue
        first = {}
        for stage, entered, _ in stays.get(row["id"], []):
            if entered <= now:
                first[stage] = min(entered, first.get(stage, entered))
        if first:
            told = row_at(first, max([week, *first.values()]), row["data"].get("pipeline", ""))
            chances[row["id"]] = chance_of(model, told)
    return chances


def row_at(first, at, pipeline):
    """The stage is the one it came to last; of two at once the later one of the funnel."""
    newest = max(first, key=lambda stage: (first[stage], ORDER.index(stage)))
    furthest = max(ORDER.index(stage) for stage in first)
    return {
        "pipeline": pipeline or None,
        "stage": newest,
        "days_in_stage": (at - first[newest]) / DAY,
        "age_days": (at - min(first.values())) / DAY,
        "stages": len(first),
        "skipped": "true" if any(one not in first for one in ORDER[:furthest]) else "false",
    }


def chance_of(model, row):
    own = model["segments"].get(row.get(model["segment"]), model)
    odds = own["base"] + sum(weight_of(field, row[field["name"]]) for field in own["fields"])
    return 1 / (1 + math.exp(-odds))
