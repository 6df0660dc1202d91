"""Cut points for recency, frequency and monetary scores, from the present customers.

Quantiles of type 7 (linear interpolation at position (n - 1)p), for each quantity by itself:
the scores of equal values are equal, whatever the order of the population.

Where groups have to be of one size although values are equal, equal values are put in the order
of their customers' ids, and a cut point is a customer: the value and the id of who stands at
position ⌊(n - 1)p⌋.

Source: Hughes 1994; Hyndman and Fan 1996 for the types of quantiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import quantiles

from chalicelib.core.model import Json

QUINTILES_FROM = 50
TERTILES_FROM = 15

Row = tuple[float, float, float]
"""Days since the last purchase, purchases, smallest units of money."""


def rfm_cuts(population: Iterable[Row]) -> Mapping[str, Json]:
    """Cut points by value.

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
    # Column by column: to unzip a hundred thousand rows takes an iterator for each of them.
    columns = {name: [row[place] for row in rows] for place, name in enumerate("rfm")}
    cuts: dict[str, Json] = {name: _cuts(values, parts) for name, values in columns.items()}
    return {**cuts, "n": len(rows), "constant": _constant(cuts)}


def rfm_cuts_by_id(population: Mapping[str, Row]) -> Mapping[str, Json]:
    """Cut points by value and id, of rows by the customer's id; ``ids`` stand beside the values.

    >>> cuts = rfm_cuts_by_id({f"{n:03}": (n, 1 + n % 2, 500) for n in range(100)})
    >>> cuts["f"], cuts["ids"]["f"], cuts["constant"]
    ([1, 1, 2, 2], ['038', '078', '019', '059'], ['m'])
    """
    parts = _parts(len(population))
    if parts is None:
        return {"n": len(population)}
    cuts: dict[str, Json] = {}
    ids: dict[str, Json] = {}
    for index, name in enumerate("rfm"):
        ordered = sorted((row[index], customer) for customer, row in population.items())
        at = [(len(ordered) - 1) * part // parts for part in range(1, parts)]
        differs = ordered[0][0] != ordered[-1][0]
        cuts[name] = [ordered[position][0] for position in at if differs]
        ids[name] = [ordered[position][1] for position in at if differs]
    return {**cuts, "n": len(population), "constant": _constant(cuts), "ids": ids}


def _constant(cuts: Mapping[str, Json]) -> list[Json]:
    return [name for name in "rfm" if not cuts[name]]


def _parts(customers: int) -> int | None:
    if customers >= QUINTILES_FROM:
        return 5
    return 3 if customers >= TERTILES_FROM else None


def _cuts(values: Sequence[float], parts: int) -> list[Json]:
    ordered = sorted(values)
    if ordered[0] == ordered[-1]:
        return []
    return [float(cut) for cut in quantiles(ordered, n=parts, method="inclusive")]
