"""Do the sections ``actions``, ``tags`` and ``priority`` make sense?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from chalicelib.core.model import Money
from chalicelib.policy.calls import FLOORS
from chalicelib.policy.problem import Problem, instead, pointer

Page = Mapping[str, Any]


def chances_rise(page: Page) -> Iterator[Problem]:
    rows = page.get("priority", {}).get("chances", [])
    for index, (before, after) in enumerate(pairwise(rows)):
        if not (before[0] < after[0] and before[1] <= after[1]):
            path = ("priority", "chances", index + 1)
            yield Problem(pointer(path), "write scores that rise, with chances that do not fall")


def the_usual_deal_is_worth_something(page: Page) -> Iterator[Problem]:
    """Others are measured by it, in whole units of the smallest money in use."""
    value = page.get("priority", {}).get("deal_value")
    if value is not None and not Money.from_decimal(Decimal(str(value)), page["currency"]).amount:
        yield Problem("/priority/deal_value", "write a sum that can be paid in this currency")


def floors_leave_room(page: Page) -> Iterator[Problem]:
    floors = FLOORS | page.get("priority", {}).get("floors", {})
    if sum(floors.values()) > 1:
        yield Problem("/priority/floors", "write shares that are no more than 1 together")


def hours_open_before_they_close(page: Page) -> Iterator[Problem]:
    hours = page.get("priority", {}).get("hours")
    if hours and hours["opens"] >= hours["closes"]:
        yield Problem("/priority/hours", "write opens before closes")


def owner_is_an_attribute(page: Page) -> Iterator[Problem]:
    name, known = page.get("priority", {}).get("owner"), page["attributes"]
    if name and name not in known:
        advice = f"{name} is not in attributes, {instead(name, sorted(known))}"
        yield Problem("/priority/owner", advice)


def owners_are_known_before_they_are_written(page: Page) -> Iterator[Problem]:
    section = page.get("priority", {})
    if section.get("write_owner") and "owner" not in section:
        advice = "name the attribute that holds the owner as priority.owner too"
        yield Problem("/priority/write_owner", advice)


def pools_exist(page: Page) -> Iterator[Problem]:
    pools = page.get("priority", {}).get("pools", {})
    for index, row in enumerate(page.get("actions", [])):
        wanted = row.get("assign_to")
        if wanted is None:
            continue
        path = ("actions", index, "assign_to")
        if wanted["pool"] not in pools:
            yield Problem(pointer((*path, "pool")), _no_pool(wanted["pool"], pools))
            continue
        skills = {skill for rep in pools[wanted["pool"]] for skill in rep.get("skills", [])}
        if wanted.get("skill") and wanted["skill"] not in skills:
            message = (
                f"nobody in {wanted['pool']} has it, {instead(wanted['skill'], sorted(skills))}"
            )
            yield Problem(pointer((*path, "skill")), message)


def stages_have_a_funnel(page: Page) -> Iterator[Problem]:
    if "funnel" in page:
        return
    for section in ("actions", "tags"):
        for index, row in enumerate(page.get(section, [])):
            if "stage" in row["when"]:
                path = (section, index, "when", "stage")
                yield Problem(pointer(path), "add the section funnel, which has the stages")


def _no_pool(name: str, pools: Mapping[str, Any]) -> str:
    if not pools:
        return "add the pool to priority.pools"
    return f"there is no pool {name}, {instead(name, sorted(pools))}"


CHECKS = (
    chances_rise,
    the_usual_deal_is_worth_something,
    floors_leave_room,
    hours_open_before_they_close,
    owner_is_an_attribute,
    owners_are_known_before_they_are_written,
    pools_exist,
    stages_have_a_funnel,
)
