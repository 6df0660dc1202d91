"""The section ``announcements``: from the page to rules, and whether it makes sense."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib.core.announcements import OCCASIONS, SCORE_NAMES, WAYS, AnnouncementRule, Mailing
from chalicelib.core.model import Text
from chalicelib.localization.announcements import WORDS, places
from chalicelib.policy.problem import Problem, instead, pointer

Page = Mapping[str, Any]

_FILE = Path(__file__).with_name("announcements_schema.json")

_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "score_crossing": ("threshold",),
    "stage_entered": ("stage",),
    "stage_left": ("stage",),
    "days_in_stage": ("stage", "days"),
    "trial_ending": ("attribute", "days"),
    "satisfaction_drop": ("points",),
}
"""What an occasion wants to know."""

_OPTIONAL: Mapping[str, tuple[str, ...]] = {"score_crossing": ("score", "direction")}

_SECTIONS: Mapping[str, str] = {
    "tier_up": "loyalty.tiers",
    "tier_down": "loyalty.tiers",
    "tier_grace": "loyalty.tiers",
    "points_earned": "loyalty",
    "points_expiring": "loyalty",
    "reward_redeemed": "loyalty.rewards",
    "stage_entered": "funnel",
    "stage_left": "funnel",
    "days_in_stage": "funnel",
}
"""Without which section of the policy an occasion never arises."""

_ALL = frozenset(
    name for names in (*_PARAMETERS.values(), *_OPTIONAL.values()) for name in names
)  # fmt: skip


def schema() -> dict[str, Any]:
    section: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    row = section["items"]["properties"]
    row["event"]["enum"] = [*OCCASIONS]
    row["to"]["items"]["enum"] = [*WAYS]
    row["score"]["enum"] = [*SCORE_NAMES]
    return section


def compile_announcements(rows: list[Page]) -> tuple[AnnouncementRule, ...]:
    return tuple(map(_rule, rows))


def _rule(row: Page) -> AnnouncementRule:
    given = {name: row[name] for name in _ALL & row.keys()}
    return AnnouncementRule(
        id=row["id"],
        event=row["event"],
        to=tuple(row["to"]),
        text=_text(row.get("text")),
        customer_text=_text(row.get("customer_text")),
        mailing=Mailing(**row["email"]) if "email" in row else None,
        **given,
    )


def _text(row: Page | None) -> Text | None:
    return Text(row["en"], row["fa"]) if row else None


def _rows(page: Page) -> Iterator[tuple[tuple[str | int, ...], Page]]:
    for index, row in enumerate(page.get("announcements", [])):
        yield ("announcements", index), row


def occasions_are_described(page: Page) -> Iterator[Problem]:
    for path, row in _rows(page):
        needed = _PARAMETERS.get(row["event"], ())
        if lacking := [name for name in needed if name not in row]:
            yield Problem(pointer(path), f"write {', '.join(lacking)} beside event: {row['event']}")
        allowed = {*needed, *_OPTIONAL.get(row["event"], ())}
        for name in sorted(_ALL & row.keys() - allowed):
            yield Problem(pointer((*path, name)), f"{row['event']} has no {name}: remove it")


def texts_have_their_places(page: Page) -> Iterator[Problem]:
    for path, row in _rows(page):
        known = WORDS[row["event"]].places
        for member in ("text", "customer_text"):
            text = _text(row.get(member))
            for name in dict.fromkeys(places(text) if text else ()):
                if name not in known:
                    advice = f"there is no {{{name}}}, {instead(name, known)}"
                    yield Problem(pointer((*path, member)), advice)


def occasions_can_arise(page: Page) -> Iterator[Problem]:
    """What is told of has a section of its own in the policy."""
    loyal = page.get("loyalty", {})
    there = {
        "loyalty": bool(loyal),
        "loyalty.tiers": "tiers" in loyal,
        "loyalty.rewards": bool(loyal.get("rewards")),
        "funnel": "funnel" in page,
    }
    for path, row in _rows(page):
        section = _SECTIONS.get(row["event"])
        if section and not there[section]:
            yield Problem(
                pointer((*path, "event")), f"add the section {section}, or it never happens"
            )
        if row.get("score") == "priority" and "priority" not in page:
            advice = "add the section priority, or it never happens"
            yield Problem(pointer((*path, "score")), advice)


def trials_end_on_a_date(page: Page) -> Iterator[Problem]:
    for path, row in _rows(page):
        if "attribute" in row:
            yield from _attribute(page, (*path, "attribute"), row["attribute"], ("date",))


def mail_has_an_address(page: Page) -> Iterator[Problem]:
    """And whoever wants none can say so."""
    for path, row in _rows(page):
        if ("email" in row["to"]) != ("email" in row):
            yield Problem(pointer(path), "write email beside to: [email], and nowhere else")
        for name, kinds in (("address", ("text",)), ("opted_out", ("boolean",))):
            if "email" in row:
                yield from _attribute(page, (*path, "email", name), row["email"][name], kinds)


def _attribute(
    page: Page, path: tuple[str | int, ...], name: str, kinds: tuple[str, ...]
) -> Iterator[Problem]:
    """One of the person, since nobody else is written to."""
    rows = page["attributes"].items()
    fitting = sorted(
        one for one, row in rows if row["type"] in kinds and row["of"] in ("contact", "lead")
    )
    if name not in fitting:
        advice = instead(name, fitting) if fitting else "add one to attributes"
        wrong = f"{name} is no attribute of contacts of type {' or '.join(kinds)}, {advice}"
        yield Problem(pointer(path), wrong)


CHECKS: tuple[Callable[[Page], Iterator[Problem]], ...] = (
    occasions_are_described,
    texts_have_their_places,
    occasions_can_arise,
    trials_end_on_a_date,
    mail_has_an_address,
)
