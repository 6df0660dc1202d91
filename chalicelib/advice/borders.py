"""Proposed thresholds of temperatures, classes and grades, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.advice.cases import Case, History
from chalicelib.advice.changes import Change
from chalicelib.advice.remarks import Remark, per_cent
from chalicelib.core.model import Json
from chalicelib.scoring.levels import EDGE
from chalicelib.training.bands import Band, Borders, Scored, best_borders, is_out_of_order

_SCORES = tuple(range(5, 100, 5))
_SHARES = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(frozen=True, slots=True)
class _Threshold:
    """``pointers`` are those of the better border and the worse one, ``names`` of the bands."""

    about: str
    pointers: tuple[str, str]
    names: tuple[str, str, str]
    present: tuple[float, float]
    grid: Sequence[float]
    is_lead: bool
    score: Callable[[Case], float | None]


def threshold_remarks(history: History, given: str = "") -> list[Remark]:
    """``given`` are words on the points that made the scores, if they are not those in force."""
    page = history.study.page
    return [*(_remark(one, history, given) for one in _thresholds(page)), *_left_out(page)]


def _thresholds(page: Mapping[str, Any]) -> Iterator[_Threshold]:
    lead, classes = page["lead"], page["customer"]["classes"]
    warmth = lead["temperatures"]
    yield _Threshold(
        "lead.temperatures",
        ("/lead/temperatures/hot", "/lead/temperatures/warm"),
        ("hot", "warm", "cold"),
        (warmth["hot"], warmth["warm"]),
        _SCORES,
        is_lead=True,
        score=lambda case: case.standing.lead,
    )
    yield _grade(lead, "fit", ("A", "B", "C"), lambda case: case.standing.fit + EDGE)
    yield _grade(lead, "engagement", ("1", "2", "3"), lambda case: case.standing.engagement + EDGE)
    if "value_shares" not in classes:
        yield _Threshold(
            "customer.classes",
            ("/customer/classes/A", "/customer/classes/B"),
            ("A", "B", "C"),
            (classes["A"], classes["B"]),
            _SCORES,
            is_lead=False,
            score=lambda case: case.standing.customer,
        )


def _grade(
    lead: Mapping[str, Any], side: str, names: tuple[str, str, str], score: Callable[[Case], float]
) -> _Threshold:
    better, worse = lead["grade"][side]["at_least"]
    at = f"/lead/grade/{side}/at_least"
    return _Threshold(
        f"lead.grade.{side}",
        (f"{at}/0", f"{at}/1"),
        names,
        (better, worse),
        _SHARES,
        is_lead=True,
        score=score,
    )


def _left_out(page: Mapping[str, Any]) -> Iterator[Remark]:
    if "value_shares" in page["customer"]["classes"]:
        says = "nothing proposed: classes go by the shares of value, whatever customers buy later"
        yield Remark("thresholds", "customer.classes", says, {})


def _remark(one: _Threshold, history: History, given: str) -> Remark:
    scored = [
        Scored(str(case.ref), score, case.bought)
        for case in history.counted_in(("lead" if one.is_lead else "customer",))
        if (score := one.score(case)) is not None
    ]
    found = best_borders(scored, one.present, one.grid)
    changes: tuple[Change, ...] = ()
    if found.is_better and found.proposed and found.proposed != one.present:
        pairs = zip(one.pointers, found.proposed, one.present, strict=True)
        changes = tuple(Change(path, new) for path, new, old in pairs if new != old)
    if not scored:
        nobody = "nobody was without a purchase" if one.is_lead else "nobody had bought"
        return Remark("thresholds", one.about, f"nothing proposed: {nobody} by then", {})
    says = _says(one, found, changes, given)
    evidence: dict[str, Json] = {"names": list(one.names), **_evidence(found)}
    return Remark("thresholds", one.about, says, evidence, changes)


def _evidence(found: Borders) -> dict[str, Json]:
    return {
        "before": [_row(band) for band in found.before],
        "after": [_row(band) for band in found.after],
        "proposed": list(found.proposed) if found.is_better and found.proposed else None,
        "gain": [round(bound, 5) for bound in found.gain],
        "out_of_order": is_out_of_order(found.before),
        "why_not": found.why_not,
    }


def _row(band: Band) -> dict[str, Json]:
    return {
        "people": band.people,
        "bought": band.bought,
        "share": round(band.share, 4),
        "interval": [round(band.low, 4), round(band.high, 4)],
    }


def _says(one: _Threshold, found: Borders, changes: Sequence[Change], given: str) -> str:
    present = " and ".join(f"{border:g}" for border in one.present)
    seen = _bands(one.names, found.before)
    order = (
        ", a better one buys clearly less than a worse one" if is_out_of_order(found.before) else ""
    )
    if found.why_not:
        return f"nothing proposed: {found.why_not}; {given}{seen}{order}"
    low, high = found.gain
    if not changes:
        return f"keep {present}: no others foretell clearly better; {given}{seen}{order}"
    assert found.proposed is not None
    new = " and ".join(f"{border:g}" for border in found.proposed)
    return (
        f"{present} → {new}: {given}{_bands(one.names, found.after)}; before, {seen}{order}. "
        f"Chosen on one half of the people, they foretell what the other half bought better, "
        f"by {low:.3f} to {high:.3f} in the logarithm of likelihood per person"
    )


def _bands(names: Sequence[str], bands: Sequence[Band]) -> str:
    return ", ".join(_band(*pair) for pair in zip(names, bands, strict=True))


def _band(name: str, band: Band) -> str:
    if not band.people:
        return f"{name} is empty"
    share, low, high = (per_cent(part) for part in (band.share, band.low, band.high))
    return f"{name} buys {share} ({low} to {high}, {band.people} people)"
