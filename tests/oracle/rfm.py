"""Recency, frequency and monetary value once more, value by value."""

from datetime import timedelta

SEGMENT_MAP = """
5 new_customer   potential_loyalist potential_loyalist champion champion
4 promising      potential_loyalist potential_loyalist loyal    loyal
3 about_to_sleep about_to_sleep     need_attention     loyal    loyal
2 hibernating    hibernating        at_risk            at_risk  cant_lose_them
1 hibernating    hibernating        at_risk            at_risk  cant_lose_them
"""

DECIMALS = {"IRR": 0, "JPY": 0, "KWD": 3}


def naive_rfm(page, group, purchases, cuts, subject, zone, now):
    """``purchases`` are (instant, smallest units, currency), all of up to ``now``."""
    if not purchases:
        return {"terms": [], "known": 0, "asked": 3, "rfm": None}
    rfm = quantities(page, group, purchases, zone, now)
    rfm |= {"scores": None, "segment": None, "next_segment": None, "one_time_buyer": False}
    points = cut_points(page, group, cuts)
    if points is None:
        return {"terms": [], "known": 0, "asked": 3, "rfm": rfm}
    r, f, m = scores_of(points, rfm["recency_days"], rfm["frequency"], rfm["monetary"], subject)
    rfm["scores"] = [r, f, m]
    rfm["segment"] = segment_at(r, f)
    rfm["next_segment"] = next_segment(points, rfm)
    if rfm["frequency"] == 1 and cuts and "r" in cuts:
        lowest = [cut for cut, _ in points["f"]][:2]
        rfm["one_time_buyer"] = all(cut == 1 for cut in lowest)
    weights = group.get("weights", {"r": 1, "f": 1, "m": 1})
    whole = 4 * (weights["r"] + weights["f"] + weights["m"])
    terms = [
        ("recency", 100 * weights["r"] * (r - 1) / whole),
        ("frequency", 100 * weights["f"] * (f - 1) / whole),
        ("monetary", 100 * weights["m"] * (m - 1) / whole),
    ]
    foreign = [one for one in purchases if one[2] != page["currency"]]
    flags = ["alike:" + name for name in (cuts or {}).get("constant", [])]
    flags += ["no_rate"] if foreign else []
    return {
        "terms": terms, "known": 2 if foreign else 3, "asked": 3, "rfm": rfm, "flags": flags,
    }  # fmt: skip


def quantities(page, group, purchases, zone, now):
    last = max(when for when, _, _ in purchases)
    counted = []
    for when, amount, currency in purchases:
        days = group.get("window_days")
        if days is None or when > now - timedelta(days=days):
            counted.append((when, amount, currency))
    known = [amount for _, amount, currency in counted if currency == page["currency"]]
    monetary = sum(known)
    if group.get("monetary") == "mean" and known:
        monetary = int(2 * monetary + len(known)) // (2 * len(known))
    frequency = len(counted)
    if group.get("frequency") == "days":
        frequency = len({when.astimezone(zone).strftime("%Y-%m-%d") for when, _, _ in counted})
    return {
        "recency_days": (now.astimezone(zone).date() - last.astimezone(zone).date()).days,
        "frequency": frequency,
        "monetary": monetary,
    }


def cut_points(page, group, cuts):
    """Pairs of value and id per quantity; the id is None where ties are equal."""
    factor = 10 ** DECIMALS.get(page["currency"], 2)
    given = group.get("thresholds")
    own = given and {
        name: [(value, None) for value in sorted(given.get(name, []))] for name in "rfm"
    }
    if own:
        own["m"] = [(round(value * factor), None) for value, _ in own["m"]]
    if not (cuts and "r" in cuts):
        return own
    by_id = group.get("ties") == "first" and "ids" in cuts
    fitted = {}
    for name in "rfm":
        ids = cuts["ids"][name] if by_id else [None] * len(cuts[name])
        fitted[name] = list(zip(cuts[name], ids, strict=True))
    if own and group.get("thresholds_serve") == "always":
        if all(own.values()):
            return own
        return {name: own[name] or [(cut, None) for cut, _ in fitted[name]] for name in "rfm"}
    return fitted


def scores_of(points, recency, frequency, monetary, subject):
    r = 6 - score_between(points["r"], recency, subject)
    f = score_between(points["f"], frequency, subject)
    m = 1 if monetary <= 0 else score_between(points["m"], monetary, subject)
    return r, f, m


def score_between(points, value, subject):
    """1-5 by how many cut points lie below; 3 where there are none."""
    if not points:
        return 3
    below = 0
    for cut, identity in points:
        if cut < value or (cut == value and identity is not None and identity < subject):
            below += 1
    return {4: [1, 2, 3, 4, 5], 2: [1, 3, 5]}[len(points)][below]


def segment_at(r, f):
    for line in SEGMENT_MAP.strip().splitlines():
        words = line.split()
        if words[0] == str(r):
            return words[f]
    return None


def next_segment(points, rfm):
    """By buying one thing after another today."""
    most = max([cut for cut, _ in points["f"]], default=0)
    for count in range(1, int(most) + 3):
        r, f, _ = scores_of(points, 0, rfm["frequency"] + count, 1, "")
        if segment_at(r, f) != rfm["segment"]:
            return [count, segment_at(r, f)]
    return None
