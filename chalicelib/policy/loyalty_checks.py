"""Does the section ``loyalty`` make sense?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.localization.reading import day_of
from chalicelib.policy.page_walk import walk
from chalicelib.policy.problem import Problem, instead, pointer

Page = Mapping[str, Any]
Path = tuple[str | int, ...]

_UTC = ZoneInfo("UTC")
_DAYS_EXPIRY: Page = {"kind": "days", "days": 365}
_READ = ("ticket", "survey")


def _rows(page: Page, name: str) -> Iterator[tuple[Path, Page]]:
    for index, row in enumerate(page.get("loyalty", {}).get(name, [])):
        yield ("loyalty", name, index), row


def _exactly_one(row: Page, names: Sequence[str]) -> bool:
    return sum(name in row for name in names) == 1


def rules_say_how_much(page: Page) -> Iterator[Problem]:
    for path, row in _rows(page, "earning"):
        if not _exactly_one(row, ("points", "per_amount")):
            yield Problem(pointer(path), "write exactly one of: points, per_amount")
        if "per_amount" in row and row["event"] != "purchase":
            where = pointer((*path, "per_amount"))
            yield Problem(where, "only a purchase has an amount: write points instead")
        for limit in ("max_per_day", "max_total"):
            if limit in row and "per_amount" in row:
                yield Problem(pointer((*path, limit)), f"write {limit} beside points only")


def missions_say_what(page: Page) -> Iterator[Problem]:
    for path, row in _rows(page, "missions"):
        if not _exactly_one(row, ("count", "sum")):
            yield Problem(pointer(path), "write exactly one of: count, sum")
        if "sum" in row and row["event"] != "purchase":
            where = pointer((*path, "sum"))
            yield Problem(where, "only a purchase has an amount: write count instead")
        window = row.get("window", {"period": "month"})
        has = [name for name in ("period", "days") if name in window]
        has += ["from"] if {"from", "until"} & set(window) else []
        if len(has) != 1:
            advice = "write exactly one of: period, days, from with until"
            yield Problem(pointer((*path, "window")), advice)
        elif row.get("streak", 1) > 1 and has != ["period"]:
            yield Problem(pointer((*path, "streak")), "a streak needs a window with a period")


def names_are_told_apart(page: Page) -> Iterator[Problem]:
    """Points are remembered by what granted them."""
    rules = {row["id"] for _, row in _rows(page, "earning")}
    for path, row in _rows(page, "missions"):
        if row["id"] in rules:
            where = pointer((*path, "id"))
            yield Problem(where, f"{row['id']} is a rule of earning, choose another name")


def names_exist(page: Page) -> Iterator[Problem]:
    rules = [row["id"] for _, row in _rows(page, "earning")]
    levels = [row["id"] for row in page.get("loyalty", {}).get("tiers", {}).get("levels", [])]
    for section in ("multipliers", "rewards"):
        for path, row in _rows(page, section):
            yield from _unknown(row, path, "tiers", levels, "tier")
            yield from _unknown(row, path, "rules", rules, "rule")


def _unknown(row: Page, path: Path, key: str, known: Sequence[str], what: str) -> Iterator[Problem]:
    for index, name in enumerate(row.get(key, [])):
        if name not in known:
            advice = instead(name, known) if known else f"add it to loyalty.{key}"
            yield Problem(pointer((*path, key, index)), f"there is no {what} {name}, {advice}")


def levels_rise(page: Page) -> Iterator[Problem]:
    levels = page.get("loyalty", {}).get("tiers", {}).get("levels", [])
    if levels and levels[0]["at_least"] != 0:
        where = pointer(("loyalty", "tiers", "levels", 0, "at_least"))
        yield Problem(where, "write 0: everybody is at least in the first level")
    for index, (lower, upper) in enumerate(pairwise(levels)):
        if upper["at_least"] <= lower["at_least"]:
            where = pointer(("loyalty", "tiers", "levels", index + 1, "at_least"))
            yield Problem(where, f"write more than {lower['at_least']:g}, that of the level below")


def metrics_are_whole(page: Page) -> Iterator[Problem]:
    tiers = page.get("loyalty", {}).get("tiers", {})
    path: Path = ("loyalty", "tiers")
    metric = tiers.get("metric", "points")
    if tiers and (metric == "index") != ("index" in tiers):
        advice = "write index beside metric: index, and nowhere else"
        yield Problem(pointer(path), advice)
    weights = [Fraction(str(part["weight"])) for part in tiers.get("index", [])]
    if weights and sum(weights) != 1:
        yield Problem(pointer((*path, "index")), "write weights that are 1 together")
    if metric == "score":
        for where, row in _rows(page, "multipliers"):
            if "tiers" in row:
                advice = "tiers by score are not known at the time of a purchase"
                yield Problem(pointer((*where, "tiers")), advice)


def kinds_have_days(page: Page) -> Iterator[Problem]:
    """Of tiers' windows and validity, and of every expiry."""
    section = page.get("loyalty", {})
    tiers = section.get("tiers", {})
    asked = [
        (("loyalty", "tiers", "window"), tiers.get("window"), ("rolling",)),
        (("loyalty", "tiers", "validity"), tiers.get("validity"), ("days",)),
        *((path, row, ("days", "inactivity")) for path, row in _expiries(page)),
    ]
    for path, row, kinds in asked:
        if row and (row["kind"] in kinds) != ("days" in row):
            advice = f"write days beside kind: {' or '.join(kinds)}, and nowhere else"
            yield Problem(pointer(path), advice)


def _expiries(page: Page) -> Iterator[tuple[Path, Page]]:
    for path, node in walk(page.get("loyalty", {}), ("loyalty",)):
        if isinstance(node, Mapping) and path[-1] == "expiry":
            yield path, node


def points_live_to_be_spent(page: Page) -> Iterator[Problem]:
    section = page.get("loyalty", {})
    common, wait = section.get("expiry", _DAYS_EXPIRY), section.get("pending_days", 0)
    places = [(("loyalty",), {"expiry": common, "pending_days": wait}), *_rows(page, "earning")]
    for path, row in places:
        expiry = row.get("expiry", common)
        pending = row.get("pending_days", wait)
        if expiry.get("days") is not None and pending >= expiry["days"]:
            advice = f"they expire after {expiry['days']} days: write fewer"
            yield Problem(pointer((*path, "pending_days")), advice)


def campaigns_end_after_they_begin(page: Page) -> Iterator[Problem]:
    for path, node in walk(page.get("loyalty", {}), ("loyalty",)):
        if not isinstance(node, Mapping):
            continue
        days = {name: day_of(node[name], _UTC) for name in ("from", "until") if name in node}
        for name, day in days.items():
            if day is None:
                yield Problem(pointer((*path, name)), f"there is no day {node[name]}")
        first, last = days.get("from"), days.get("until")
        if first and last and first > last:
            yield Problem(pointer((*path, "until")), "write a day that is not before from")


def rewards_are_worth_something(page: Page) -> Iterator[Problem]:
    for path, row in _rows(page, "rewards"):
        worth = [name for name in ("value", "percent") if name in row]
        if row["kind"] == "discount" and len(worth) != 1:
            yield Problem(pointer(path), "write exactly one of: value, percent")
        if row["kind"] != "discount" and "percent" in row:
            yield Problem(pointer((*path, "percent")), "only a discount has per cent")
        if row["kind"] == "product" and "value" in row:
            yield Problem(pointer((*path, "value")), "a product has no value in money")
        has_value = "value" in row or page["loyalty"].get("point_value")
        if row["kind"] == "money" and not has_value:
            yield Problem(pointer(path), "write value, or loyalty.point_value")


def codes_are_given_once(page: Page) -> Iterator[Problem]:
    """What was given of one reward is not known of another."""
    first: dict[str, str] = {}
    for path, row in _rows(page, "rewards"):
        for index, code in enumerate(row.get("codes", [])):
            if (other := first.setdefault(code, row["id"])) != row["id"]:
                where = pointer((*path, "codes", index))
                yield Problem(where, f"the reward {other} has this code, write another one")


def what_earns_is_read(page: Page) -> Iterator[Problem]:
    """Records of a kind are read only if some attribute is of them."""
    read = {row["of"] for row in page["attributes"].values()}
    for section in ("earning", "missions"):
        for path, row in _rows(page, section):
            if row["event"] in _READ and row["event"] not in read:
                advice = f"add an attribute of: {row['event']}, so that they are read from the CRM"
                yield Problem(pointer((*path, "event")), advice)


def tiers_that_are_asked_for_exist(page: Page) -> Iterator[Problem]:
    levels = [row["id"] for row in page.get("loyalty", {}).get("tiers", {}).get("levels", [])]
    for section in ("actions", "tags"):
        for index, row in enumerate(page.get(section, [])):
            for place, name in enumerate(row["when"].get("tier", [])):
                if name not in levels:
                    advice = instead(name, levels) if levels else "add it to loyalty.tiers.levels"
                    where = pointer((section, index, "when", "tier", place))
                    yield Problem(where, f"there is no tier {name}, {advice}")


def what_is_measured_is_there(page: Page) -> Iterator[Problem]:
    """By the models loyalty and potential."""
    metric = page.get("loyalty", {}).get("tiers", {}).get("metric")
    for path, node in walk(page):
        model = node.get("model") if isinstance(node, Mapping) else None
        if model == "loyalty" and "loyalty" not in page:
            yield Problem(pointer(path), "add the section loyalty, which this model measures")
        if model == "loyalty" and metric == "score":
            advice = "tiers by score go by this score themselves, choose another metric for them"
            yield Problem(pointer(path), advice)
        if model == "potential" and "funnel" not in page:
            yield Problem(pointer(path), "add the section funnel, which has the stages of deals")


CHECKS: tuple[Callable[[Page], Iterator[Problem]], ...] = (
    rules_say_how_much,
    missions_say_what,
    names_are_told_apart,
    names_exist,
    levels_rise,
    metrics_are_whole,
    kinds_have_days,
    points_live_to_be_spent,
    campaigns_end_after_they_begin,
    rewards_are_worth_something,
    codes_are_given_once,
    what_earns_is_read,
    tiers_that_are_asked_for_exist,
    what_is_measured_is_there,
)
