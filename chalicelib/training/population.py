"""All that scoring goes by and that only the whole population tells.

>>> rows = [Row(str(n), (n, 1 + n % 3, 100 * n), value=100 * n, satisfaction=80) for n in range(60)]
>>> found = fitted(rows, Wanted(basis="all", value_shares=(0.8, 0.95)))
>>> sorted(found), found["satisfaction"]["mean"], found["classes"]["A"]
(['classes', 'rfm', 'satisfaction', 'value'], 80.0, 2700)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.core.model import Json
from chalicelib.training.classes import class_borders
from chalicelib.training.cuts import Row as RfmRow
from chalicelib.training.cuts import rfm_cuts, rfm_cuts_by_id
from chalicelib.training.ranks import ENOUGH, percentile_cuts
from chalicelib.training.satisfaction import mean_satisfaction


@dataclass(frozen=True, slots=True)
class Row:
    """One customer: days, purchases and money; value in smallest units; satisfaction 0-100."""

    id: str
    rfm: RfmRow | None
    value: int | None = None
    satisfaction: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the policy asks of the population; ``basis`` names what values are made of."""

    ties_by_id: bool = False
    basis: str | None = None
    value_shares: Sequence[float] | None = None


def fitted(rows: Iterable[Row], wanted: Wanted) -> dict[str, Mapping[str, Json]]:
    """Parameters by model name; of what there is too little, or nobody asks, there are none."""
    people = list(rows)
    bought = {one.id: one.rfm for one in people if one.rfm}
    cuts = rfm_cuts_by_id(bought) if wanted.ties_by_id else rfm_cuts(bought.values())
    values = [one.value for one in people if one.value is not None]
    found: dict[str, Mapping[str, Json]] = {"rfm": cuts}
    if wanted.basis is not None and len(values) >= ENOUGH:
        ranks = percentile_cuts(values)
        found["value"] = {"cuts": ranks, "n": len(values), "basis": wanted.basis}
        if wanted.value_shares:
            borders = class_borders(values, wanted.value_shares)
            found["classes"] = {**borders, "basis": wanted.basis}
    mean = mean_satisfaction(one.satisfaction for one in people if one.satisfaction is not None)
    return found if mean is None else {**found, "satisfaction": {"mean": mean}}
