"""Models of segments, where they foretell their own newest cases better than the model of all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from chalicelib.core.model import Json, Text
from chalicelib.localization import models as say
from chalicelib.prediction.propensity import Propensity, is_missing, written
from chalicelib.training.cases import NEWEST, Cases
from chalicelib.training.fitting import Plan, fit, plan_of
from chalicelib.training.metrics import log_loss

MOST = 50
"""Segments that are tried, of most rows; a card says a sentence of each."""

LARGEST = 150_000
"""Bytes of all models of segments as JSON: all that is in force is one item, of 400 KB at most."""

_DIGITS = 6


def with_segments(
    common: Propensity, cases: Cases, plan: Plan, segment: str
) -> tuple[Propensity, tuple[Text, ...], Mapping[str, Json]]:
    """The model of all with those of segments that foretell their newest better than it does.

    The rival is the model of all without any segment's newest fifth.
    """
    parts = _parts(cases, segment, plan.horizon_days) if segment else {}
    rival = _without_newest(cases, parts, plan) if parts else None
    if rival is None or isinstance(rival, Text):
        return common, (), {}
    kept: list[tuple[str, Propensity]] = []
    told, figures, left = [], {}, LARGEST
    for value, (places, own_plan) in parts.items():
        own = cases.chosen(places)
        good, text, figures[value] = _own_is_better(own, own_plan, rival, value)
        model = fit(own, own_plan) if good else text
        if isinstance(model, Propensity):
            left -= _size(model)
            if left >= 0:
                kept.append((value, model))
            else:
                text = say.no_room_for_segment(value)
        told.append(text)
    whole = replace(common, segment=segment, segments=tuple(kept))
    return whole, tuple(told), {"segments": figures}


def _without_newest(
    cases: Cases, parts: Mapping[str, tuple[list[int], Plan]], plan: Plan
) -> Propensity | Text:
    newest = {
        place
        for places, _ in parts.values()
        for place in places[len(places) - round(NEWEST * len(places)) :]
    }
    return fit(cases.chosen(p for p in range(len(cases.rows)) if p not in newest), plan)


def _parts(cases: Cases, segment: str, horizon_days: int) -> dict[str, tuple[list[int], Plan]]:
    """The segments whose data allow a model, with the places of their rows."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(cases.rows):
        if not is_missing(value := row.get(segment)):
            places.setdefault(written(value), []).append(place)
    most = sorted(places, key=lambda value: (-len(places[value]), value))[:MOST]
    plans = {value: plan_of(cases.chosen(places[value]), horizon_days) for value in most}
    return {
        value: (places[value], plan)
        for value, plan in sorted(plans.items())
        if isinstance(plan, Plan)
    }


def _size(model: Propensity) -> int:
    return len(json.dumps(model.to_json(), ensure_ascii=False).encode())


def _own_is_better(
    own: Cases, plan: Plan, rival: Propensity, value: str
) -> tuple[bool, Text, Json]:
    older, newest = own.parted()
    model = fit(older, plan)
    if isinstance(model, Text) or not newest.rarer:
        return False, say.segment_shares(value), None
    loss = log_loss([model.probability(row) for row in newest.rows], newest.outcomes)
    common = log_loss([rival.probability(row) for row in newest.rows], newest.outcomes)
    base = log_loss([older.did / len(older.rows)] * len(newest.rows), newest.outcomes)
    losses: Json = {
        "rows": len(own.rows),
        "log_loss": round(loss, _DIGITS),
        "common_log_loss": round(common, _DIGITS),
        "base_log_loss": round(base, _DIGITS),
    }
    if loss < min(common, base):
        return True, say.segment_has_its_own(value, loss, common), losses
    return False, say.segment_shares(value), losses
