"""Do conditions make sense: has each one form, the keys of that form, and names that exist?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.model import Json
from chalicelib.core.outputs import RFM_SEGMENTS
from chalicelib.core.policy import Condition
from chalicelib.localization.reading import day_of
from chalicelib.policy.compilation import called
from chalicelib.policy.conditions import FORMS
from chalicelib.policy.days import DAY_OPERATORS
from chalicelib.policy.grammar import FORM_KEYS
from chalicelib.policy.operators import OPERATORS
from chalicelib.policy.page_walk import walk
from chalicelib.policy.problem import Problem, instead, pointer
from chalicelib.scoring import models
from chalicelib.scoring.models import Context

Page = Mapping[str, Any]
Path = tuple[str | int, ...]

_ACTIVITY = "activity"
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Known:
    """Types of attributes by the names that conditions use, and the segments defined so far."""

    attributes: Mapping[str, str]
    segments: Sequence[str]


def conditions_make_sense(page: Page) -> Iterator[Problem]:
    segments = [row["id"] for row in page.get("segments", [])]
    known = Known(_attributes(page), segments)
    for index, row in enumerate(page.get("segments", [])):
        above = replace(known, segments=segments[:index])
        yield from _condition(row["when"], ("segments", index, "when"), above)
    for path, node in conditions_of(page):
        yield from _condition(node, path, known)


def conditions_of(page: Page) -> Iterator[tuple[Path, Page]]:
    """Those outside ``segments``, with their places.

    Models say which of their parameters are conditions, by having them compiled.
    """
    places = {id(node): path for path, node in walk(page)}
    for group in (*page["lead"]["groups"], *page["customer"]["components"]):
        for node in _asked_by(group, page):
            yield places[id(node)], node
    opted_out = page.get("priority", {}).get("opted_out")
    if opted_out:
        yield ("priority", "opted_out"), opted_out
    leads = page.get("prediction", {}).get("leads")
    if leads:
        yield ("prediction", "leads", "target"), leads["target"]


def _asked_by(group: Page, page: Page) -> list[Mapping[str, Json]]:
    found: list[Mapping[str, Json]] = []

    def note(node: Mapping[str, Json]) -> Condition:
        found.append(node)
        return Condition(lambda _: None)

    context = Context(note, _UTC, page["calendar"], page["currency"])
    models.load(group["model"]).Model.from_page(group, context)
    return found


def _attributes(page: Page) -> dict[str, str]:
    return {called(name, row): row["type"] for name, row in page["attributes"].items()}


def _condition(node: Page, path: Path, known: Known) -> Iterator[Problem]:
    forms = [form for form in FORMS if form in node]
    if len(forms) != 1:
        yield Problem(pointer(path), _no_one_form(forms))
        return
    (form,) = forms
    faults = list(_faulty_keys(node, form, path))
    yield from faults
    if form == "attribute":
        yield from _leaf(node, path, known.attributes)
    elif form == "segment" and node["segment"] not in known.segments:
        yield Problem(pointer((*path, "segment")), _no_segment(node["segment"], known.segments))
    parts = node[form] if form in ("all", "any") else []
    for index, part in enumerate(parts):
        yield from _condition(part, (*path, form, index), known)
    if form == "not":
        yield from _condition(node["not"], (*path, "not"), known)


def _no_one_form(forms: Sequence[str]) -> str:
    if not forms:
        return f"write exactly one of: {', '.join(FORMS)}"
    return f"{' and '.join(forms)} cannot stand side by side: put a list of both under all or any"


def _faulty_keys(node: Page, form: str, path: Path) -> Iterator[Problem]:
    keys = FORM_KEYS[form]
    where = pointer(path)
    for name in node:
        if name != form and name not in keys.known:
            yield Problem(pointer((*path, name)), _stray(name, form))
    for name in keys.needs:
        if name not in node:
            yield Problem(where, f"add {name} beside {form}")
    if keys.one_of and _how_many(keys.one_of, node) != 1:
        yield Problem(where, f"write exactly one of: {', '.join(keys.one_of)}")
    if _how_many(keys.at_most_one, node) > 1:
        yield Problem(where, f"write only one of: {', '.join(keys.at_most_one)}")
    if form != "attribute" and keys.some_of and not _how_many(keys.some_of, node):
        yield Problem(where, f"say how much: {instead('', keys.some_of)}")


def _stray(name: str, form: str) -> str:
    homes = [other for other, keys in FORM_KEYS.items() if name in keys.known]
    if not homes:
        return f"{name} does not fit {form}"
    return f"write {name} beside {' or '.join(homes[:3])}, not beside {form}"


def _how_many(names: Collection[str], node: Page) -> int:
    return sum(name in node for name in names)


def _no_segment(name: str, known: Sequence[str]) -> str:
    if not known:
        return f"there is no segment {name} above: add it to segments"
    return f"there is no segment {name} above, {instead(name, known)}"


def _leaf(node: Page, path: Path, known: Mapping[str, str]) -> Iterator[Problem]:
    name = node["attribute"]
    used = [key for key in node if key in OPERATORS or key in DAY_OPERATORS]
    if known.get(name, _ACTIVITY) == _ACTIVITY:
        yield Problem(pointer((*path, "attribute")), _no_attribute(name, known))
        return
    fitting = _fitting(known[name])
    if not used:
        yield Problem(pointer(path), f"say what of {name}, {instead('', fitting)}")
    for key in used:
        if key not in fitting:
            reason = f"{key} does not fit {name}, which is of type {known[name]}"
            yield Problem(pointer((*path, key)), f"{reason}; {instead('', fitting)}")
        elif key in ("equals", "in") and not _is_of(known[name], node[key]):
            yield Problem(pointer((*path, key)), f"{name} is of type {known[name]}: write such")
        elif key in ("before", "on_or_after") and day_of(node[key], _UTC) is None:
            yield Problem(pointer((*path, key)), f"there is no day {node[key]}")


def _fitting(kind: str) -> list[str]:
    fitting = [key for key, operator in OPERATORS.items() if kind in operator.types]
    return fitting + (list(DAY_OPERATORS) if kind == "date" else [])


def _no_attribute(name: str, known: Mapping[str, str]) -> str:
    if name in known:
        return (
            f"{name} is an activity; count it (count: …), or give it a rule in a group of the "
            "model engagement"
        )
    attributes = [one for one, kind in known.items() if kind != _ACTIVITY]
    return f"{name} is not in attributes, {instead(name, sorted(attributes))}"


def _is_of(kind: str, operand: Any) -> bool:
    values = operand if isinstance(operand, list) else [operand]
    wanted = {"number": (int, float), "boolean": (bool,)}.get(kind, (str,))
    return all(
        isinstance(value, wanted) and (kind == "boolean" or not isinstance(value, bool))
        for value in values
    )


def actions_name_segments(page: Page) -> Iterator[Problem]:
    """Of RFM or of the policy's own."""
    own = [row["id"] for row in page.get("segments", [])]
    known = [*own, *RFM_SEGMENTS]
    for section in ("actions", "tags"):
        for index, row in enumerate(page.get(section, [])):
            for place, name in enumerate(row["when"].get("segment", [])):
                if name not in known:
                    where = pointer((section, index, "when", "segment", place))
                    yield Problem(where, f"there is no segment {name}, {instead(name, known)}")


def segments_have_names_of_their_own(page: Page) -> Iterator[Problem]:
    for index, row in enumerate(page.get("segments", [])):
        if row["id"] in RFM_SEGMENTS:
            where = pointer(("segments", index, "id"))
            yield Problem(where, f"{row['id']} is a segment of RFM, choose another name")


CHECKS = (conditions_make_sense, actions_name_segments, segments_have_names_of_their_own)
