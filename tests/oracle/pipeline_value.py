"""Naive second ways to stay times, stage probabilities and forecasts, by plain loops."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

ORDER = ["intro", "trial", "offer", "negotiation", "contract"]


def naive_probabilities(deals):
    """``deals`` are pairs of the stages that a deal was seen in and whether it was won."""
    prior = sum(won for _, won in deals) / len(deals)
    values, weights = [], []
    for place in range(5):
        reached = [won for seen, won in deals if any(one in seen for one in ORDER[place:])]
        values.append((sum(reached) + 10 * prior) / (len(reached) + 10))
        weights.append(len(reached) + 10 if reached else 1e-6)
    # The least squares of a sequence that never falls: the best of all ways to cut it in blocks.
    best = None
    for cuts in range(16):
        blocks, start = [], 0
        for end in range(1, 6):
            if end == 5 or cuts >> (end - 1) & 1:
                blocks.append((start, end))
                start = end
        fitted = []
        for start, end in blocks:
            weight = sum(weights[start:end])
            mean = sum(v * w for v, w in zip(values[start:end], weights[start:end], strict=True))
            fitted += [mean / weight] * (end - start)
        if all(a <= b + 1e-9 for a, b in pairwise(fitted)):
            loss = sum(w * (v - f) ** 2 for v, w, f in zip(values, weights, fitted, strict=True))
            if best is None or loss < best[0]:
                best = loss, fitted
    return dict(zip(ORDER, best[1], strict=True))


def naive_stays(seen):
    """``seen`` are ``(instant, stage or None)`` of one deal, in any order."""
    found, last = [], None
    for at, stage in sorted(seen, key=lambda one: one[0]):
        if stage == last:
            continue
        if found and found[-1][2] is None:
            found[-1][2] = at
        if stage is not None:
            found.append([stage, at, None])
        last = stage
    return [tuple(one) for one in found]


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def stage_named(page, data):
    """The canonical stage that a CRM's stage is mapped to, or None."""
    for name in (f"{data.get('pipeline')}/{data.get('stage')}", data.get("stage")):
        for stage, names in page["funnel"]["stages"].items():
            if name in names:
                return stage
    return None


def naive_forecast(page, deals, fitted, now, wins):
    """``deals`` are the linked ones as rows, ``wins`` what a model says of some of them; None where
    nothing can be foretold.
    """
    odds = fitted.get("stages", {}).get("p")
    deals = [row for row in deals if row["data"].get("status", "open") == "open"]
    if "funnel" not in page or not odds or not deals:
        return None
    expected, variance, months, overdue, incomplete = 0.0, 0.0, {}, [], []
    for row in deals:
        data = row["data"]
        stage = stage_named(page, data)
        sum_ = data.get("value") or data.get("amount")
        if stage is None or sum_ is None or sum_["currency"] != page["currency"] or sum_["amount"] <= 0:  # fmt: skip
            incomplete.append(row["id"])
            continue
        p = wins.get(row["id"], odds[stage])
        expected += p * sum_["amount"]
        variance += p * (1 - p) * sum_["amount"] ** 2
        if "expected_at" in data:
            closes = instant(data["expected_at"])
            if closes < now:
                overdue.append(row["id"])
                closes = now + timedelta(days=fitted["stages"]["remaining_days"].get(stage, 0))
            month = month_of(page, closes)
            months[month] = months.get(month, 0) + p * sum_["amount"]
    money = page["currency"]
    return {
        "expected": {"amount": half_up(expected), "currency": money},
        "deviation": {"amount": half_up(variance**0.5), "currency": money},
        "months": {month: half_up(sum_) for month, sum_ in months.items()},
        "overdue": sorted(overdue),
        "incomplete": sorted(incomplete),
        "by_model": bool(wins),
        "unrounded": [expected, variance**0.5, *months.values()],
    }


def half_up(amount):
    return int(amount + 0.5)


NOWRUZ = {
    1402: "2023-03-21", 1403: "2024-03-20", 1404: "2025-03-21", 1405: "2026-03-21",
    1406: "2027-03-21", 1407: "2028-03-20", 1408: "2029-03-20",
}  # fmt: skip


def period_of(page):
    """A function that names the period of a kind in which an instant lies."""

    def named(at, kind):
        year, month = month_of(page, at).split("-")
        if kind == "week":
            day = at.astimezone(ZoneInfo(page["time_zone"])).date().toordinal()
            return (day + (1 if page["calendar"] == "jalali" else -1)) // 7
        whole = {"month": (month,), "quarter": ((int(month) - 1) // 3,), "year": ()}
        return year, *whole[kind]

    return named


def month_of(page, at):
    day = at.astimezone(ZoneInfo(page["time_zone"])).date()
    if page["calendar"] == "gregorian":
        return day.strftime("%Y-%m")
    year = max(one for one, first in NOWRUZ.items() if date.fromisoformat(first) <= day)
    left, month = (day - date.fromisoformat(NOWRUZ[year])).days, 1
    for length in [31] * 6 + [30] * 5:
        if left < length:
            break
        left, month = left - length, month + 1
    return f"{year}-{month:02}"
