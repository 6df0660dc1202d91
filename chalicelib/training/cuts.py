"""Cut points for recency, frequency and monetary scores, from the present customers.

Quantiles of type 7 (linear interpolation at position (n - 1)p), for each quantity by itself:
the scores of equal values are equal, whatever the order of the population.

Source: Hughes 1994; Hyndman and Fan 1996 for the types of quantiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import quantiles

from chalicelib.core.model import Json

QUINTILES_FROM = 50
TERTILES_FROM = 15


def rfm_cuts(population: Iterable[tuple[float, float, float]]) -> Mapping[str, Json]:
    """Of rows (days since the last purchase, purchases, smallest units of money).

    ``r``, ``f``, ``m`` hold four cut points from 50 customers on, which make scores 1-5, and two
    from 15 on, which make 1, 3, 5; fewer customers have none, and only ``n`` is told. A quantity
    in which all are alike is named in ``constant`` and has no cut points: everybody scores 3.

    >>> cuts = rfm_cuts((day, 1, 100 * day) for day in range(101))
    >>> cuts["r"], cuts["f"], cuts["constant"], cuts["n"]
    ([20.0, 40.0, 60.0, 80.0], [], ['f'], 101)
    >>> rfm_cuts([(3, 1, 100)])
    {'n': 1}
    """
    rows = list(population)
    parts = _parts(len(rows))
    if parts is None:
        return {"n": len(rows)}
    columns = dict(zip("rfm", zip(*rows, strict=True), strict=True))
    cuts: dict[str, Json] = {name: _cuts(values, parts) for name, values in columns.items()}
    constant: list[Json] = [name for name in columns if not cuts[name]]
    return {**cuts, "n": len(rows), "constant": constant}


def _parts(customers: int) -> int | None:
    if customers >= QUINTILES_FROM:
        return 5
    return 3 if customers >= TERTILES_FROM else None


def _cuts(values: Sequence[float], parts: int) -> list[Json]:
    if min(values) == max(values):
        return []
    return [float(cut) for cut in quantiles(values, n=parts, method="inclusive")]
