"""Proposed points of rules, each with its reason."""

from __future__ import annotations

from chalicelib.advice.cases import History
from chalicelib.advice.effects import Effect, Sighting, effects
from chalicelib.advice.remarks import Remark, per_cent, signed
from chalicelib.core.model import Json


def points_remarks(history: History) -> list[Remark]:
    """One of every rule, those that could be judged first and the clearest of them first."""
    found = effects(history)
    judged = sum(one.sighting.found is not None for one in found)
    return [_remark(one, judged) for one in sorted(found, key=_clearness)]


def _clearness(one: Effect) -> tuple[bool, float]:
    found = one.sighting.found
    return found is None, found.probability if found else 0.0


def _remark(one: Effect, judged: int) -> Remark:
    proposed = one.proposed
    changes = () if proposed is None else one.rule.repointed(proposed)
    evidence: dict[str, Json] = {
        "points": one.rule.points,
        "proposed": proposed,
        "judged": judged,
        "contradicts": one.contradicts,
        **sighted(one.sighting),
    }
    if one.sighting.found:
        evidence |= {
            "speaks_for": round(one.points, 2),
            "between": [round(bound, 2) for bound in one.between],
            "is_associated": one.is_associated,
        }
    return Remark("points", one.rule.id, _says(one, proposed), evidence, changes)


def sighted(sighting: Sighting) -> dict[str, Json]:
    """The numbers behind an association, as JSON."""
    row: dict[str, Json] = {
        "reached": sighting.reached,
        "known": sighting.known,
        "people": sighting.people,
    }
    found = sighting.found
    if found is None:
        return {**row, "why_not": sighting.why_not}
    total = found.total
    return row | {
        "bought": total.bought,
        "others": total.others,
        "others_bought": total.others_bought,
        "compared": total.reached,
        "difference": round(found.difference, 4),
        "interval": [round(bound, 4) for bound in found.interval],
        "odds_ratio_log": round(found.log_odds, 4),
        "probability": round(found.probability, 6),
        "held": round(sighting.held, 4),
    }


def compared(sighting: Sighting) -> str:
    """The comparison in words; of a sighting that found something."""
    found = sighting.found
    assert found is not None
    total, (low, high) = found.total, found.interval
    return (
        f"of {total.reached} reached {per_cent(total.bought / total.reached)} bought later, "
        f"of {total.others} others {per_cent(total.others_bought / total.others)}; among "
        f"people who are alike {signed(100 * found.difference)} of 100 "
        f"({signed(100 * low)} to {signed(100 * high)})"
    )


def _says(one: Effect, proposed: float | None) -> str:
    if one.sighting.found is None:
        return f"nothing proposed: {one.sighting.why_not}"
    low, high = one.between
    seen = f"{compared(one.sighting)}; that is worth {signed(low)} to {signed(high)} points"
    if proposed is None:
        return f"keep {one.rule.points:g}: {seen}"
    nothing = "" if one.is_associated else "no clear association, "
    against = "the sign is wrong, " if one.contradicts else ""
    return f"{one.rule.points:g} → {proposed:g}: {against}{nothing}{seen}"
