"""Parts of a policy in a line each, for tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from chalicelib.policy.difference import Change

Page = Mapping[str, Any]
Row = Sequence[object]

_STRUCTURE = frozenset({"groups", "rules", "components"})
"""Keys that a reader need not see on the way to a named thing."""


def compact(value: Any) -> str:
    """On one line, as YAML.

    >>> compact({"attribute": "phone", "present": True}), compact(5), compact(None)
    ('{attribute: phone, present: true}', '5', '')
    """
    if value is None:
        return ""
    told = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False
    )
    return told.removesuffix("\n").removesuffix("\n...")


def change_row(change: Change) -> Row:
    """Kind, place, before, after."""
    where = " ".join(part for part in change.path if part not in _STRUCTURE)
    if change.kind == "moved":
        return change.kind, where, _behind(change.before), _behind(change.after)
    return change.kind, where, _short(change.before), _short(change.after)


def _behind(name: Any) -> str:
    return f"after {name}" if name else "first"


def _short(value: Any) -> str:
    """A rule by its points and condition, all else as it is."""
    if isinstance(value, Mapping) and "points" in value and "when" in value:
        return f"{value['points']:+g} points {compact(value['when'])}"
    return compact(value)


def groups(page: Page) -> Iterator[Row]:
    for part, rows in _parts(page):
        for row in rows:
            yield part, row["id"], row["model"], f"{row['weight']:g}", compact(row["cap"])


def rules(page: Page) -> Iterator[Row]:
    for part, rows in _parts(page):
        for group in rows:
            for rule in group.get("rules", ()):
                yield (
                    f"{part} {group['id']}",
                    rule["id"],
                    f"{rule['points']:+g}",
                    _life(rule),
                    compact(rule["when"]),
                    rule["text"]["en"],
                )


def _parts(page: Page) -> Iterable[tuple[str, Sequence[Page]]]:
    return ("lead", page["lead"]["groups"]), ("customer", page["customer"]["components"])


def _life(rule: Page) -> str:
    parts = []
    if "half_life_days" in rule:
        parts.append(f"half-life {rule['half_life_days']:g} days")
    parts += [
        f"at most {rule[f'max_per_{name}']} a {name}"
        for name in ("session", "day")
        if f"max_per_{name}" in rule
    ]
    if period := rule.get("max_per_period"):
        parts.append(f"at most {period['count']} in {period['days']} days")
    if "per" in rule:
        parts.append(f"times its {rule['per']}")
    return ", ".join(parts)


def thresholds(page: Page) -> Iterator[Row]:
    lead, customer = page["lead"], page["customer"]
    for side, names in (("fit", "ABC"), ("engagement", "123")):
        grade = lead["grade"][side]
        shares = ", ".join(
            f"{name} from {share:.0%}"
            for name, share in zip(names, grade["at_least"], strict=False)
        )
        yield f"grade, {side}", f"{shares}, else {names[-1]}", f"of {', '.join(grade['groups'])}"
    hot, warm = lead["temperatures"]["hot"], lead["temperatures"]["warm"]
    yield "temperature", f"hot {hot:g}, warm {warm:g}, else cold", "of the lead score"
    classes = customer["classes"]
    yield "class", f"A {classes['A']:g}, B {classes['B']:g}, else C", "of the customer score"
    if shares := classes.get("value_shares"):
        told = ", ".join(f"{name} {share:.0%}" for name, share in zip("AB", shares, strict=True))
        yield "class", f"{told}, else C", "of all value, once it is known"
    publish = page["publish"]
    also = ", and the tags as topics" if publish.get("topics") else ""
    yield "publish", f"moves of {publish['step']:g} points", f"{publish['profile']} profile{also}"


def advice(page: Page) -> Iterator[Row]:
    for section in ("segments", "tags", "actions"):
        for row in page.get(section, ()):
            words = row.get("text") or row.get("campaign") or {}
            yield section, row["id"], compact(row["when"]), words.get("en", "")


def attributes(page: Page) -> Iterator[Row]:
    for name, row in page["attributes"].items():
        fields = {
            crm: field
            for crm, field in row.items()
            if crm not in ("type", "of", "activity", "label")
        }
        yield name, row["type"], row["of"], row.get("activity", ""), compact(fields)


TABLES: Sequence[tuple[Sequence[str], Callable[[Page], Iterator[Row]]]] = (
    (("score", "group", "model", "weight", "bounds"), groups),
    (("group", "rule", "points", "decay and limits", "when", "text"), rules),
    (("threshold", "from", "of what"), thresholds),
    (("section", "id", "when", "text"), advice),
    (("attribute", "type", "of", "activity", "fields"), attributes),
)
