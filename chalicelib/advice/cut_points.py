"""Proposed thresholds of recency, frequency and money, from the customers that there are.

They are the quintiles of all customers as of the end of the history. Days and purchases are
whole numbers, so a cut point of 150.4 days parts them as 150 does; money is cut at the smallest
unit. Whether they tell anything is seen at the cutoff: of those whom the quintiles of then put into
each fifth, how many bought again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.advice.cases import Case, History
from chalicelib.advice.changes import Change
from chalicelib.advice.remarks import Remark, per_cent
from chalicelib.core.card import Rfm
from chalicelib.core.model import Json, Money
from chalicelib.policy.problem import pointer
from chalicelib.scoring.models import behaviour, rfm
from chalicelib.scoring.models._cuts import Cuts
from chalicelib.training.cuts import QUINTILES_FROM, rfm_cuts
from chalicelib.training.satisfaction import wilson

_WORDS = {"r": "days since the last purchase", "f": "purchases", "m": "money"}


def cut_point_remarks(then: History, now: History) -> list[Remark]:
    """Of every component that goes by them; ``now`` is the end of the history."""
    rows = now.study.page["customer"]["components"]
    groups = now.study.policy.customer.components
    found = []
    for index, (row, group) in enumerate(zip(rows, groups, strict=True)):
        model = group.model.buying if isinstance(group.model, behaviour.Model) else group.model
        if isinstance(model, rfm.Model):
            asked = "rf" if isinstance(group.model, behaviour.Model) else "rfm"
            place = pointer(("customer", "components", index, "thresholds"))
            component = _Component(group.id, model, asked, place, row.get("thresholds"))
            found.append(_remark(component, then, now))
    return found


@dataclass(frozen=True, slots=True)
class _Component:
    id: str
    model: rfm.Model
    asked: str
    pointer: str
    present: Mapping[str, Any] | None


def _remark(component: _Component, then: History, now: History) -> Remark:
    about = f"customer.{component.id}.thresholds"
    cuts = rfm_cuts(_quantities(one) for _, one in _customers(now.cases, component.model))
    count = cast(int, cuts["n"])
    if count < QUINTILES_FROM:
        says = f"nothing proposed: {count} customers, {QUINTILES_FROM} needed for fifths"
        return Remark("rfm", about, says, {"customers": count})
    proposed = {
        name: _on_page(name, cast("list[float]", cuts[name]), component.model.currency)
        for name in component.asked
        if cuts[name]
    }
    fifths = _fifths(component, then)
    evidence: dict[str, Json] = {
        "customers": count,
        "alike": cuts["constant"],
        "proposed": cast(Json, proposed),
        "bought_again": cast(Json, fifths),
    }
    changes = tuple(_changes(component, proposed))
    return Remark(
        "rfm", about, _says(component, proposed, count, fifths, changes), evidence, changes
    )


def _customers(cases: Sequence[Case], model: rfm.Model) -> Iterator[tuple[Case, Rfm]]:
    for case in cases:
        if found := model.rfm(case.profile, {}):
            yield case, found


def _quantities(one: Rfm) -> tuple[int, int, int]:
    return one.recency_days, one.frequency, one.monetary.amount


def _on_page(name: str, cuts: Sequence[float], currency: str) -> list[Json]:
    whole = [math.floor(cut) for cut in cuts]
    if name != "m":
        return list(whole)
    major = [Money(cut, currency).to_decimal() for cut in whole]
    return [int(one) if one == int(one) else float(one) for one in major]


def _changes(component: _Component, proposed: Mapping[str, Json]) -> Iterator[Change]:
    if component.present is None:
        yield Change(component.pointer, dict(proposed), "add")
        return
    for name, cuts in proposed.items():
        if name not in component.present:
            yield Change(f"{component.pointer}/{name}", cuts, "add")
        elif sorted(component.present[name]) != cuts:
            yield Change(f"{component.pointer}/{name}", cuts)


def _fifths(component: _Component, then: History) -> dict[str, list[dict[str, Json]]]:
    """By quantity, who bought again of those with the scores 5 to 1; empty if too few."""
    customers = list(_customers(then.cases, component.model))
    found = rfm_cuts(_quantities(one) for _, one in customers)
    cuts = Cuts.fitted(found)
    if cuts is None or len(customers) < QUINTILES_FROM:
        return {}
    scored = [(cuts.scores(*_quantities(one)), case.bought) for case, one in customers]
    return {
        name: [
            _share(score, [bought for scores, bought in scored if scores[place] == score])
            for score in range(5, 0, -1)
        ]
        for place, name in enumerate("rfm")
        if name in component.asked and found[name]
    }


def _share(score: int, bought: Sequence[bool]) -> dict[str, Json]:
    low, high = wilson(sum(bought), len(bought)) if bought else (0.0, 1.0)
    return {
        "score": score,
        "people": len(bought),
        "bought": sum(bought),
        "interval": [round(low, 4), round(high, 4)],
    }


def _says(
    component: _Component,
    proposed: Mapping[str, Json],
    count: int,
    fifths: Mapping[str, Sequence[Mapping[str, Any]]],
    changes: Sequence[Change],
) -> str:
    cuts = "; ".join(f"{_WORDS[name]} {_listed(found)}" for name, found in proposed.items())
    head = f"fifths of {count} customers: {cuts}"
    before = ", ".join(
        f"{name} {_listed(found)}" for name, found in (component.present or {}).items()
    )
    head = f"{before or 'none'} → {head}" if changes else f"keep: {head}"
    again = "; ".join(_again(name, rows) for name, rows in fifths.items())
    serve = (
        "they serve for good"
        if component.model.options.thresholds_always
        else "an installation learns its own and takes these only until there are 15 customers"
    )
    return ". ".join(part for part in (head, again, serve) if part)


def _listed(cuts: Any) -> str:
    return " ".join(f"{cut:g}" if isinstance(cut, float) else str(cut) for cut in cuts)


def _again(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    first, last = (next(row for row in order if row["people"]) for order in (rows, rows[::-1]))
    told = (
        f"{name.upper()} {row['score']} bought again {per_cent(row['bought'] / row['people'])} "
        f"({per_cent(row['interval'][0])} to {per_cent(row['interval'][1])})"
        for row in (first, last)
    )
    return ", ".join(told)
