"""Does the section ``prediction`` make sense?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.policy.compilation import called
from chalicelib.policy.page_walk import walk
from chalicelib.policy.problem import Problem, instead, pointer
from chalicelib.scoring.features import are_fair

Page = Mapping[str, Any]

_HOLDERS = ("contact", "lead", "account")
_HAPPENINGS = frozenset({"count", "sum", "first", "last", "sequence"})


def renewal_is_a_date(page: Page) -> Iterator[Problem]:
    row = page.get("prediction", {}).get("subscriptions")
    known = {called(name, one): one["type"] for name, one in page["attributes"].items()}
    if row and known.get(row["renewal"]) != "date":
        dates = sorted(name for name, kind in known.items() if kind == "date")
        advice = f"{row['renewal']} is no attribute of type date, "
        advice += instead(row["renewal"], dates) if dates else "add one to attributes"
        yield Problem("/prediction/subscriptions/renewal", advice)


def exclusions_are_attributes(page: Page) -> Iterator[Problem]:
    known = sorted(called(name, one) for name, one in page["attributes"].items())
    names = page.get("prediction", {}).get("leads", {}).get("exclude", [])
    for index, name in enumerate(names):
        if name not in known:
            where = pointer(("prediction", "leads", "exclude", index))
            yield Problem(where, f"{name} is not in attributes, {instead(name, known)}")


def known_ones_are_of_people(page: Page) -> Iterator[Problem]:
    fair = [called(key, one) for key, one in page["attributes"].items() if _is_telling(key, one)]
    for part in ("leads", "subscriptions"):
        for index, name in enumerate(page.get("prediction", {}).get(part, {}).get("known", [])):
            if name not in fair:
                where = pointer(("prediction", part, "known", index))
                advice = f"{name} is nothing that a chance may go by, {instead(name, sorted(fair))}"
                yield Problem(where, advice)


def beginning_is_a_date(page: Page) -> Iterator[Problem]:
    name = page.get("prediction", {}).get("leads", {}).get("since")
    known = {called(key, one): one["type"] for key, one in page["attributes"].items()}
    if name is not None and known.get(name) != "date":
        dates = sorted(key for key, kind in known.items() if kind == "date")
        advice = f"{name} is no attribute of type date, "
        advice += instead(name, dates) if dates else "add one to attributes"
        yield Problem("/prediction/leads/since", advice)


def segment_is_of_leads(page: Page) -> Iterator[Problem]:
    name = page.get("prediction", {}).get("leads", {}).get("segment")
    attributes = page["attributes"].items()
    known = sorted(called(key, one) for key, one in attributes if _parts(one) and are_fair((key,)))
    if name is not None and name not in known:
        advice = f"{name} is no choice, boolean or text of leads, {instead(name, known)}"
        yield Problem("/prediction/leads/segment", advice)


def _is_telling(key: str, attribute: Page) -> bool:
    is_number = attribute["type"] == "number" and attribute["of"] in _HOLDERS
    return (is_number or _parts(attribute)) and are_fair((key,))


def _parts(attribute: Page) -> bool:
    return attribute["type"] in ("choice", "boolean", "text") and attribute["of"] in _HOLDERS


def deals_have_a_funnel(page: Page) -> Iterator[Problem]:
    if "deals" in page.get("prediction", {}) and "funnel" not in page:
        advice = "add the section funnel, which says what stages deals are in"
        yield Problem("/prediction/deals", advice)


def targets_happen(page: Page) -> Iterator[Problem]:
    """An attribute tells only what is so now, and nothing could be learned of when it came so."""
    target = page.get("prediction", {}).get("leads", {}).get("target")
    if target and not any(
        isinstance(node, Mapping) and _HAPPENINGS & node.keys() for _, node in walk(target)
    ):
        advice = "name something that happens, as {count: purchase, at_least: 1}"
        yield Problem("/prediction/leads/target", advice)


def clusters_have_room(page: Page) -> Iterator[Problem]:
    row = page.get("prediction", {}).get("clusters")
    if row is not None and row.get("from", 3) > row.get("to", 8):
        yield Problem("/prediction/clusters", "write a from that is no more than to")


def churn_is_predicted(page: Page) -> Iterator[Problem]:
    if {"purchases", "subscriptions"} & page.get("prediction", {}).keys():
        return
    for section in ("actions", "tags"):
        for index, row in enumerate(page.get(section, [])):
            if "churn" in row["when"]:
                advice = "add the section prediction with purchases or subscriptions"
                yield Problem(pointer((section, index, "when", "churn")), advice)


CHECKS = (
    renewal_is_a_date,
    exclusions_are_attributes,
    segment_is_of_leads,
    known_ones_are_of_people,
    beginning_is_a_date,
    deals_have_a_funnel,
    targets_happen,
    clusters_have_room,
    churn_is_predicted,
)
