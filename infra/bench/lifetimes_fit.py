"""The rival: the same fit by the package ``lifetimes``, run by the Python that has it.

On grouped rows, as it offers by its weights, and on raw ones. Imports nothing of ours.
"""

import json
import sys
import warnings
from time import perf_counter
from typing import Any


def main(path: str) -> None:
    import numpy as np

    warnings.simplefilter("ignore")
    columns = np.fromfile(path, dtype="i4").reshape(3, -1)
    cells, counts = np.unique(columns.T, axis=0, return_counts=True)
    grouped, parameters = _fitted(cells.T, counts)
    raw, _ = _fitted(columns, None)
    print(json.dumps({"grouped": grouped, "raw": raw, "parameters": parameters}))


def _fitted(columns: Any, weights: Any) -> tuple[float, list[float]]:
    from lifetimes import BetaGeoFitter  # type: ignore[import-not-found]  # not in this environment

    begun = perf_counter()
    found = BetaGeoFitter().fit(columns[0], columns[1] / 7, columns[2] / 7, weights=weights)
    return perf_counter() - begun, [float(one) for one in found.params_]


if __name__ == "__main__":
    main(sys.argv[1])
