"""How somebody stands in a programme who has spent nothing: the member ``loyalty`` of a card."""

from datetime import timedelta

from tests.oracle.calls import said
from tests.oracle.happened import FAR, TICK, exact


def naive_loyalty(walk, now, score):
    """Without sentences, and without what is next. ``score`` is that of the customer, or 0."""
    section, place = walk.section, walk.place
    there = [one for one in lots(walk) if one["dies"] > now]
    points = sum(one["points"] for one in there if one["available"] <= now)
    worth = exact(section.get("point_value", 0)) * place.unit * points
    tier = tier_json(walk, now, score) if "tiers" in section else None
    return {
        "points": points,
        "pending": sum(one["points"] for one in there if one["available"] > now),
        "debt": 0,
        "value": {"amount": int(worth), "currency": place.currency},
        "expiring": expiring(there),
        "tier": tier and tier.pop("name"),
        "valid_until": tier and tier.pop("valid_until"),
        "progress": tier,
        "missions": [
            mission_json(walk, mission, now)
            for mission in section.get("missions", [])
            if place.is_in(now, mission.get("window", {}))
        ],
    }


def lots(walk):
    """What was earned, and when it dies if nothing else happens."""
    found = [one for one in walk.earned.values() if one["points"] > 0]
    doings = sorted(one["at"] for one in found)
    for one in found:
        one["dies"] = one["expires"] or FAR
        if one["idle"] is not None:
            one["dies"] = one["at"] + timedelta(days=one["idle"])
            for at in doings:
                if one["at"] <= at < one["dies"]:
                    one["dies"] = at + timedelta(days=one["idle"])
    return found


def expiring(there):
    first = min((one["dies"] for one in there), default=FAR)
    if first == FAR:
        return None
    points = sum(one["points"] for one in there if one["dies"] == first)
    return {"points": points, "at": said(first)}


# --- the tier --------------------------------------------------------------------------------


def tier_json(walk, now, score):
    levels, least, window = walk.rules()["levels"], walk.least(), walk.window(now)
    place, value = walk.level, walk.metric(window)
    if walk.metric_name() == "score":
        place, value = max(n for n, one in enumerate(least) if one <= score), score
    following = least[place + 1] if place + 1 < len(levels) else None
    return {
        "name": levels[place]["id"],
        "valid_until": said(walk.until),
        "state": walk.state,
        "grace_until": said(walk.grace),
        "metric": plain(value),
        "share": 100 if following is None else min(100, int(100 * value / following)),
        "next": following
        and {"level": levels[place + 1]["id"], "missing": plain(max(following - value, 0))},
        "keep": keep(walk, now),
        "largest": largest(walk, window),
    }


def plain(value):
    return int(value) if value == int(value) else round(float(value), 6)


def keep(walk, now):
    """What is missing for the review to come, or for the end of the grace."""
    ends = walk.grace if walk.state == "grace" else walk.until
    if ends is None:
        return None
    after = walk.basis[0] if walk.state == "grace" else walk.reviewed(ends)[0]
    upto = now if walk.state == "grace" else min(walk.reviewed(ends)[1], now)
    missing = walk.least()[walk.level] - walk.metric((after, upto))
    if missing <= 0 or now <= after:
        return None
    level = walk.rules()["levels"][walk.level]["id"]
    return {"level": level, "missing": plain(missing), "by": said(ends)}


def largest(walk, window):
    found = [
        [key, value]
        for measure in walk.measures()
        for key, at, value in walk.parts(measure)
        if window[0] < at <= window[1] and value > 0
    ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:3]


# --- missions --------------------------------------------------------------------------------


def mission_json(walk, mission, now):
    name, after, upto = walk.mission_window(mission, now)
    ends = None if name == "rolling" or upto == FAR else upto + TICK
    return {
        "id": mission["id"],
        "value": walk.deeds_in(mission, after, min(now, upto)),
        "target": walk.target(mission),
        "ends": said(ends),
        "streak": run(walk, mission, now) if mission.get("streak", 1) > 1 else 0,
    }


def run(walk, mission, now):
    """Windows in a row that are done and in no award; the running one may still be open."""
    done = [name for name in walk.done.get(mission["id"], []) if not walk.is_used(mission, name)]
    names = walk.names_back(mission, now, len(done) + 1)
    if names[0] not in done:
        names = [] if walk.is_used(mission, names[0]) else names[1:]
    run = 0
    while run < len(names) and names[run] in done:
        run += 1
    return run


# --- what the models make of it --------------------------------------------------------------


def run_loyalty(group, walk, now):
    if walk is None:
        return {"terms": [], "known": 0, "asked": 1}
    start = now - timedelta(days=group.get("window_days", 365))
    lately = sum(one["points"] for one in walk.earned.values() if one["at"] > start)
    reached = 100 * min(1, lately / group.get("target", 500))
    if "tiers" not in walk.section:
        return {"terms": [("points", reached)], "known": 1, "asked": 1}
    share = group.get("tier_share", 0.6)
    top = len(walk.rules()["levels"]) - 1
    terms = [("tier", 100 * share * walk.level / top), ("points", (1 - share) * reached)]
    return {"terms": terms, "known": 1, "asked": 1}


def run_potential(odds, prediction):
    """``odds`` are pairs of a chance and a deal; the likeliest of them counts first."""
    terms, lost = [], 1
    for chance, deal in sorted(odds, key=lambda pair: (-pair[0], pair[1])):
        terms.append((deal, 100 * lost * chance))
        lost *= 1 - chance
    predicted = prediction and prediction["purchase_90"]
    if predicted is not None and int(predicted * 20 + 0.5) * 5 > 100 * (1 - lost):
        return {"terms": [("predicted", int(predicted * 20 + 0.5) * 5)], "known": 1, "asked": 1}
    return {"terms": terms, "known": int(bool(terms)), "asked": 1}
