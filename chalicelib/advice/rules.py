"""The rules of a page: where each stands, and how strongly it counted for somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.advice.changes import Change, changed
from chalicelib.core.facts import canonical
from chalicelib.core.policy import Policy
from chalicelib.policy import compile_policy
from chalicelib.policy.problem import pointer

Page = Mapping[str, Any]
Section = Literal["lead", "customer"]

_GROUPS: Mapping[Section, str] = {"lead": "groups", "customer": "components"}


@dataclass(frozen=True, slots=True)
class Rule:
    """``places`` are the groups that it counts in; several where they share it by an alias.

    ``pointers`` are those of the rule in each. Rules of one ``condition`` see the same thing.
    """

    id: str
    places: frozenset[tuple[Section, str]]
    pointers: tuple[str, ...]
    points: float
    condition: str
    model: str

    def in_section(self, section: Section) -> bool:
        return any(place[0] == section for place in self.places)

    def repointed(self, points: float) -> tuple[Change, ...]:
        return tuple(Change(f"{one}/points", points) for one in self.pointers)

    def removed(self) -> tuple[Change, ...]:
        return tuple(Change(one, op="remove") for one in self.pointers)


def rules_of(page: Page) -> tuple[Rule, ...]:
    """In the order of the page, called ``section.group.rule`` after their first place."""
    found: dict[int, Rule] = {}
    for section, group, path, row in _rows(page):
        known = found.get(id(row))
        found[id(row)] = Rule(
            id=known.id if known else f"{section}.{group['id']}.{row['id']}",
            places=(known.places if known else frozenset()) | {(section, group["id"])},
            pointers=(*(known.pointers if known else ()), path),
            points=row["points"],
            condition=canonical(row["when"]),
            model=group["model"],
        )
    return tuple(found.values())


def _rows(page: Page) -> Iterator[tuple[Section, Page, str, Page]]:
    for section, name in _GROUPS.items():
        for index, group in enumerate(page[section][name]):
            for place, row in enumerate(group.get("rules", ())):
                yield section, group, pointer((section, name, index, "rules", place)), row


def counting_policy(page: Page) -> Policy:
    """The policy under which a rule's points are how often it counts, decayed: all give one."""
    ones = [change for rule in rules_of(page) for change in rule.repointed(1)]
    return compile_policy(changed(page, ones))
