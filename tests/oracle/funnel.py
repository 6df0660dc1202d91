"""Where somebody stands in the funnel, by every reading of a deal that there ever was."""

from datetime import timedelta

from tests.oracle.lead import instant
from tests.oracle.pipeline_value import ORDER, naive_stays, stage_named
from tests.oracle.readings import links


def naive_standing(page, known, now):
    """The stage, with ``_stalled`` after too long, and the segments of all deals."""
    if "funnel" not in page:
        return None, []
    stays = all_stays(page, known)
    here = [stay for stay in stays if stay[1] <= now and (stay[2] is None or now < stay[2])]
    here.sort(key=lambda stay: (-ORDER.index(stay[0]), stay[1]))
    segments = {name for stay in stays for name in segments_of(page, stay, now)}
    stage = here[0][0] if here else None
    if here and f"stage:{stage}:stalled" in segments_of(page, here[0], now):
        stage += "_stalled"
    return stage, sorted(segments)


def all_stays(page, known):
    return [stay for stays in stays_by_deal(page, known).values() for stay in stays]


def stays_by_deal(page, known):
    linked = links(known["rows"])
    deals = {row["id"] for row in known["rows"] if row["type"] == "deal"}
    if linked is not None:
        deals &= set(linked.get("deal", []))
    stays = {}
    for deal in deals:
        seen = []
        for row in known["facts"]:
            if row["type"] == "deal" and row["id"] == deal and row["data"].get("stage"):
                is_open = row["data"].get("status", "open") == "open"
                stage = stage_named(page, row["data"]) if is_open else None
                at = row["data"].get("entered_at") or row.get("modified_at") or row["occurred_at"]
                seen.append((instant(at), stage))
        stays[deal] = naive_stays(seen)
    return stays


def segments_of(page, stay, now):
    stage, entered, left = stay
    recently = timedelta(days=page["funnel"].get("recent_days", 7))
    after = page["funnel"].get("stalled_days", {}).get(stage)
    is_here = entered <= now and (left is None or now < left)
    found = [f"stage:{stage}"] if is_here else []
    if entered <= now < entered + recently:
        found.append(f"stage:{stage}:entered")
    if left is not None and left <= now < left + recently:
        found.append(f"stage:{stage}:left")
    if after is not None and is_here and now - entered >= timedelta(days=after):
        found.append(f"stage:{stage}:stalled")
    return found
