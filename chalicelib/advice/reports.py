"""The two lists of remarks that an admin asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.advice.borders import threshold_remarks
from chalicelib.advice.cases import History
from chalicelib.advice.changes import changed
from chalicelib.advice.cut_points import cut_point_remarks
from chalicelib.advice.points import points_remarks
from chalicelib.advice.reach import reach_remarks
from chalicelib.advice.remarks import Remark
from chalicelib.advice.unscored import unscored_remarks


def suggestions(
    then: History, now: History, again: Callable[[Mapping[str, Any]], History]
) -> list[Remark]:
    """What history speaks for; ``then`` is the cutoff, ``now`` the end of the history.

    Thresholds part the scores that the proposed points make, so with them everybody is looked at
    ``again`` at the cutoff. Points that were learned of the same people flatter these scores.
    """
    points = points_remarks(then)
    changes = [change for remark in points for change in remark.changes]
    scored = again(changed(then.study.page, changes)) if changes else then
    given = "with the points that are proposed, " if changes else ""
    return [*cut_point_remarks(then, now), *threshold_remarks(scored, given), *points]


def findings(then: History, now: History) -> list[Remark]:
    """What does not do what it is there for, and what is not there; the data come beside it."""
    return [
        *reach_remarks(now),
        *points_remarks(then),
        *threshold_remarks(then),
        *unscored_remarks(then),
    ]
