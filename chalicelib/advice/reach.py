"""Rules that reach nobody, or everybody alike: their points tell nobody from anybody.

What everybody has done, but some more often or later than others, still parts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.advice.cases import History
from chalicelib.advice.changes import value_at
from chalicelib.advice.remarks import Remark, per_cent
from chalicelib.advice.rules import Rule
from chalicelib.training.association import FEWEST_PEOPLE

NEARLY_ALL = 0.99


def reach_remarks(now: History) -> list[Remark]:
    """Whether they ever counted for somebody, faded or not, until the end of the history.

    Everybody has a lead score, customers too.
    """
    found = [_remark(rule, now) for rule in now.study.rules]
    return [one for one in found if one]


def _remark(rule: Rule, now: History) -> Remark | None:
    cases = now.cases if rule.in_section("lead") else now.counted_in(("customer",))
    told = [count for case in cases if (count := case.counts.get(rule.id, 0.0)) is not None]
    reached = sum(count > 0 for count in told)
    if len(cases) < FEWEST_PEOPLE or (reached and not _all_alike(told, len(cases))):
        return None
    page = now.study.page
    evidence = {"reached": reached, "known": len(told), "people": len(cases)}
    changes = rule.removed() if _can_go(rule, page) else ()
    return Remark("reach", rule.id, _says(reached, len(told), len(cases)), evidence, changes)


def _all_alike(counts: Sequence[float], people: int) -> bool:
    """Whether it reached nearly everybody, each of whom holds as much of it."""
    ((held, most),) = Counter(round(count, 3) for count in counts).most_common(1)
    return held > 0 and most >= NEARLY_ALL * people


def _says(reached: int, known: int, people: int) -> str:
    if not known:
        return (
            f"never told: what it asks for is known of none of {people} people; collect or remove"
        )
    if not reached:
        return f"never: it reached none of the {known} people of whom it can be told; remove it"
    share = per_cent(reached / people)
    return (
        f"always: it reached {reached} of {people} people ({share}), so it parts nobody; remove it"
    )


def _can_go(rule: Rule, page: Mapping[str, Any]) -> bool:
    """A group needs one rule at least."""
    rows = [value_at(page, one.rpartition("/")[0]) for one in rule.pointers]
    return all(len(row) > 1 for row in rows)
