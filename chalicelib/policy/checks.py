"""The second look at a page: does it make sense? Each check yields the problems it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from chalicelib.core.model import Json
from chalicelib.core.policy import Condition
from chalicelib.policy import call_checks
from chalicelib.policy.compilation import called
from chalicelib.policy.conditions import FORMS, OPERATORS
from chalicelib.policy.problem import Problem, instead, pointer
from chalicelib.scoring import models
from chalicelib.scoring.models import Context

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
    for path, node in _walk(page):
        named = node.get("costs") if isinstance(node, Mapping) else None
        names = named.get("attributes", ()) if isinstance(named, Mapping) else ()
        for index, name in enumerate(names):
            if name not in numbers:
                advice = f"{name} is no attribute of type number, {instead(name, numbers)}"
                yield Problem(pointer((*path, "costs", "attributes", index)), advice)


def what_is_scored_is_read(page: Page) -> Iterator[Problem]:
    """Records of a kind are read only if some attribute is of them."""
    read = {row["of"] for row in page["attributes"].values()}
    for path, node in _walk(page):
        if not isinstance(node, Mapping):
            continue
        if node.get("model") == "satisfaction" and "survey" not in read:
            advice = "add an attribute of: survey, so that answers are read from the CRM"
            yield Problem(pointer(path), advice)
        if "per_ticket" in node and "ticket" not in read:
            advice = "add an attribute of: ticket, so that tickets are read from the CRM"
            yield Problem(pointer((*path, "per_ticket")), advice)


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
    for path, rows in _walk(page):
        if isinstance(rows, list):
            ids = [row.get("id") if isinstance(row, Mapping) else None for row in rows]
            counts = Counter(ids)
            for index, name in enumerate(ids):
                if name is not None and counts[name] > 1:
                    yield Problem(pointer((*path, index, "id")), f"{name} stands twice, rename one")


def conditions_make_sense(page: Page) -> Iterator[Problem]:
    """Models say which of their parameters are conditions, by having them compiled."""
    places = {id(node): path for path, node in _walk(page)}
    known = _attributes(page)
    for group in (*page["lead"]["groups"], *page["customer"]["components"]):
        for node in _conditions_of(group, page):
            yield from _condition(node, places[id(node)], known)
    opted_out = page.get("priority", {}).get("opted_out")
    if opted_out:
        yield from _condition(opted_out, ("priority", "opted_out"), known)


def _conditions_of(group: Page, page: Page) -> list[Mapping[str, Json]]:
    found: list[Mapping[str, Json]] = []

    def note(node: Mapping[str, Json]) -> Condition:
        found.append(node)
        return lambda _: None

    context = Context(note, ZoneInfo("UTC"), page["calendar"], page["currency"])
    models.load(group["model"]).Model.from_page(group, context)
    return found


def _attributes(page: Page) -> dict[str, str]:
    """Types by the names that conditions use."""
    return {called(name, row): row["type"] for name, row in page["attributes"].items()}


def _condition(node: Page, path: Path, known: Mapping[str, str]) -> Iterator[Problem]:
    forms = [form for form in FORMS if form in node]
    if len(forms) != 1:
        yield Problem(pointer(path), f"write exactly one of: {', '.join(FORMS)}")
        return
    (form,) = forms
    if form == "attribute":
        yield from _leaf(node, path, known)
    elif set(OPERATORS) & set(node):
        stray = ", ".join(sorted(set(OPERATORS) & set(node)))
        yield Problem(pointer(path), f"write {stray} beside an attribute, not beside {form}")
    parts = node[form] if form in ("all", "any") else []
    for index, part in enumerate(parts):
        yield from _condition(part, (*path, form, index), known)
    if form == "not":
        yield from _condition(node["not"], (*path, "not"), known)


def _leaf(node: Page, path: Path, known: Mapping[str, str]) -> Iterator[Problem]:
    name, used = node["attribute"], [key for key in node if key in OPERATORS]
    if known.get(name, _ACTIVITY) == _ACTIVITY:
        yield Problem(pointer((*path, "attribute")), _no_attribute(name, known))
        return
    fitting = [key for key, operator in OPERATORS.items() if known[name] in operator.types]
    if not used:
        yield Problem(pointer(path), f"say what of {name}, {instead('', fitting)}")
    for key in used:
        if key not in fitting:
            reason = f"{key} does not fit {name}, which is of type {known[name]}"
            yield Problem(pointer((*path, key)), f"{reason}; {instead('', fitting)}")
        elif key in ("equals", "in") and not _is_of(known[name], node[key]):
            yield Problem(pointer((*path, key)), f"{name} is of type {known[name]}: write such")


def _no_attribute(name: str, known: Mapping[str, str]) -> str:
    if name in known:
        return f"{name} is an activity; give it a rule in a group of the model engagement"
    attributes = [one for one, kind in known.items() if kind != _ACTIVITY]
    return f"{name} is not in attributes, {instead(name, sorted(attributes))}"


def _is_of(kind: str, operand: Any) -> bool:
    values = operand if isinstance(operand, list) else [operand]
    wanted = {"number": (int, float), "boolean": (bool,)}.get(kind, (str,))
    return all(
        isinstance(value, wanted) and (kind == "boolean" or not isinstance(value, bool))
        for value in values
    )


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


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All mappings and lists of a page with their places."""
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        return
    yield path, value
    for key, one in inner:
        yield from _walk(one, (*path, key))


CHECKS: tuple[Callable[[Page], Iterator[Problem]], ...] = (
    time_zone_exists,
    activities_are_named,
    thresholds_fall,
    grades_name_groups,
    resets_name_groups,
    other_attributes_fit,
    networks_are_networks,
    value_classes_have_a_value,
    costs_are_numbers,
    what_is_scored_is_read,
    ids_are_unique,
    conditions_make_sense,
    referrals_name_an_attribute,
    stages_are_mapped_once,
    *call_checks.CHECKS,
)
