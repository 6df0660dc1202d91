"""The second look at a page: does it make sense? Each check yields the problems it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any
from zoneinfo import available_timezones

from chalicelib.policy import (
    announcements,
    call_checks,
    condition_checks,
    impossible,
    loyalty_checks,
    prediction_checks,
)
from chalicelib.policy.compilation import called
from chalicelib.policy.page_walk import walk
from chalicelib.policy.patterns import fault
from chalicelib.policy.problem import Problem, instead, pointer
from chalicelib.scoring.levels import TOP

Page = Mapping[str, Any]
Path = tuple[str | int, ...]

_ACTIVITY = "activity"


def time_zone_exists(page: Page) -> Iterator[Problem]:
    zones = available_timezones()
    if page["time_zone"] not in zones:
        close = instead(page["time_zone"], sorted(zones))
        advice = close if close.startswith("did") else "write a name such as Asia/Tehran"
        yield Problem("/time_zone", f"{page['time_zone']!r} is unknown, {advice}")


def activities_are_named(page: Page) -> Iterator[Problem]:
    for name, row in page["attributes"].items():
        if (row["type"] == "activity") != ("activity" in row):
            advice = "write activity beside type: activity, and nowhere else"
            yield Problem(pointer(("attributes", name)), advice)


def thresholds_fall(page: Page) -> Iterator[Problem]:
    lead, classes = page["lead"], page["customer"]["classes"]
    pairs: Mapping[Path, tuple[float, float]] = {
        ("lead", "grade", "fit", "at_least"): tuple(lead["grade"]["fit"]["at_least"]),
        ("lead", "grade", "engagement", "at_least"): tuple(lead["grade"]["engagement"]["at_least"]),
        ("lead", "temperatures"): (lead["temperatures"]["hot"], lead["temperatures"]["warm"]),
        ("customer", "classes"): (classes["A"], classes["B"]),
    }
    for path, (better, worse) in pairs.items():
        if better <= worse:
            yield Problem(pointer(path), f"write a better threshold above {worse:g}")


def components_are_of_a_hundred(page: Page) -> Iterator[Problem]:
    """Or the score that is mixed of them would not be."""
    for index, group in enumerate(page["customer"]["components"]):
        low, high = group.get("cap", (0, TOP))
        if low < 0 or high > TOP:
            where = pointer(("customer", "components", index, "cap"))
            yield Problem(where, "write a cap of a component within 0 and 100")


def cut_points_rise(page: Page) -> Iterator[Problem]:
    for path, node in walk(page):
        if path and path[-1] == "thresholds":
            lists = node.items() if isinstance(node, Mapping) else [(None, node)]
            for name, points in lists:
                if list(points) != sorted(points):
                    where = path if name is None else (*path, name)
                    rising = ", ".join(f"{point:g}" for point in sorted(points))
                    yield Problem(pointer(where), f"write numbers that rise: [{rising}]")


def value_classes_have_a_value(page: Page) -> Iterator[Problem]:
    shares = page["customer"]["classes"].get("value_shares")
    if shares is None:
        return
    path = ("customer", "classes", "value_shares")
    if shares[0] >= shares[1]:
        yield Problem(pointer(path), "write cumulated shares that rise, such as [0.8, 0.95]")
    if all(group["model"] != "value" for group in page["customer"]["components"]):
        yield Problem(
            pointer(path), "add a component of the model value, which these are shares of"
        )


def costs_are_numbers(page: Page) -> Iterator[Problem]:
    known = {name: row["type"] for name, row in page["attributes"].items()}
    numbers = [name for name, kind in known.items() if kind == "number"]
    for path, node in walk(page):
        named = node.get("costs") if isinstance(node, Mapping) else None
        names = named.get("attributes", ()) if isinstance(named, Mapping) else ()
        for index, name in enumerate(names):
            if name not in numbers:
                advice = f"{name} is no attribute of type number, {instead(name, numbers)}"
                yield Problem(pointer((*path, "costs", "attributes", index)), advice)


def what_is_scored_is_read(page: Page) -> Iterator[Problem]:
    """Records of a kind are read only if some attribute is of them."""
    read = {row["of"] for row in page["attributes"].values()}
    for path, node in walk(page):
        if not isinstance(node, Mapping):
            continue
        if node.get("model") == "satisfaction" and "survey" not in read:
            advice = "add an attribute of: survey, so that answers are read from the CRM"
            yield Problem(pointer(path), advice)
        if "per_ticket" in node and "ticket" not in read:
            advice = "add an attribute of: ticket, so that tickets are read from the CRM"
            yield Problem(pointer((*path, "per_ticket")), advice)


def patterns_are_safe(page: Page) -> Iterator[Problem]:
    """Those beside an attribute, and those in ``where``."""
    for path, node in walk(page):
        if not isinstance(node, Mapping) or path[-1:] == ("where",):  # whose keys are attributes
            continue
        pattern = node.get("matches")
        if isinstance(pattern, str) and (wrong := fault(pattern)):
            yield Problem(pointer((*path, "matches")), wrong)


def grades_name_groups(page: Page) -> Iterator[Problem]:
    known = [group["id"] for group in page["lead"]["groups"]]
    for side, grade in page["lead"]["grade"].items():
        for index, name in enumerate(grade["groups"]):
            if name not in known:
                path = ("lead", "grade", side, "groups", index)
                yield Problem(pointer(path), f"there is no group {name}, {instead(name, known)}")


def resets_name_groups(page: Page) -> Iterator[Problem]:
    known = [group["id"] for group in page["lead"]["groups"]]
    for index, reset in enumerate(page["lead"].get("resets", [])):
        path = ("lead", "resets", index)
        for place, name in enumerate(reset["groups"]):
            if name not in known:
                advice = f"there is no group {name}, {instead(name, known)}"
                yield Problem(pointer((*path, "groups", place)), advice)
        if len(reset["when"]) != 1:
            advice = "write exactly one of: deal, activity, attribute"
            yield Problem(pointer((*path, "when")), advice)


def other_attributes_fit(page: Page) -> Iterator[Problem]:
    """Those that are named outside conditions."""
    known = _attributes(page)
    named: dict[Path, tuple[str, str]] = {}
    if "override" in page["lead"]:
        named["lead", "override"] = page["lead"]["override"], "number"
    for index, reset in enumerate(page["lead"].get("resets", [])):
        if "attribute" in reset["when"]:
            named["lead", "resets", index, "when", "attribute"] = reset["when"]["attribute"], "date"
    for path, (name, wanted) in named.items():
        if known.get(name) != wanted:
            fitting = sorted(one for one, kind in known.items() if kind == wanted)
            advice = f"{name} is no attribute of type {wanted}, "
            advice += instead(name, fitting) if fitting else "add one to attributes"
            yield Problem(pointer(path), advice)


def networks_are_networks(page: Page) -> Iterator[Problem]:
    for index, text in enumerate(page.get("machine_traffic", {}).get("networks", [])):
        try:
            ip_network(text, strict=False)
        except ValueError:
            path = ("machine_traffic", "networks", index)
            yield Problem(pointer(path), f"{text!r} is no network, write one as 203.0.113.0/24")


def ids_are_unique(page: Page) -> Iterator[Problem]:
    for path, rows in walk(page):
        if isinstance(rows, list):
            ids = [row.get("id") if isinstance(row, Mapping) else None for row in rows]
            for index, name in enumerate(ids):
                if name is not None and ids.index(name) < index:
                    advice = f"{name} stands above in this list already, rename one"
                    yield Problem(pointer((*path, index, "id")), advice)


def _attributes(page: Page) -> dict[str, str]:
    """Types by the names that conditions use."""
    return {called(name, row): row["type"] for name, row in page["attributes"].items()}


def referrals_name_an_attribute(page: Page) -> Iterator[Problem]:
    if "referrals" not in page:
        return
    name, where = page["referrals"]["attribute"], pointer(("referrals", "attribute"))
    row = page["attributes"].get(name)
    if row is None:
        yield Problem(where, f"{name} is not in attributes, {instead(name, [*page['attributes']])}")
    elif row["of"] not in ("contact", "lead") or row["type"] not in ("text", "number", "choice"):
        yield Problem(where, f"{name} must be a text, number or choice of contacts or leads")


def stages_are_mapped_once(page: Page) -> Iterator[Problem]:
    stages = page.get("funnel", {}).get("stages", {})
    counts = Counter(one for ids in stages.values() for one in ids)
    for stage, ids in stages.items():
        for place, one in enumerate(ids):
            if counts[one] > 1:
                where = pointer(("funnel", "stages", stage, place))
                yield Problem(where, f"{one} stands twice, keep one")


CHECKS: tuple[Callable[[Page], Iterator[Problem]], ...] = (
    time_zone_exists,
    activities_are_named,
    thresholds_fall,
    components_are_of_a_hundred,
    cut_points_rise,
    grades_name_groups,
    resets_name_groups,
    other_attributes_fit,
    networks_are_networks,
    value_classes_have_a_value,
    costs_are_numbers,
    what_is_scored_is_read,
    patterns_are_safe,
    ids_are_unique,
    *condition_checks.CHECKS,
    *impossible.CHECKS,
    referrals_name_an_attribute,
    stages_are_mapped_once,
    *call_checks.CHECKS,
    *loyalty_checks.CHECKS,
    *announcements.CHECKS,
    *prediction_checks.CHECKS,
)
