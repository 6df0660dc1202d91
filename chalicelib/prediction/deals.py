"""What the chance of an open deal is told by: where it stands, for how long, and how it came there.

The amount is left out: it is written last, by whoever closes the deal.

>>> row = row_of({"intro": 40.0, "offer": 3.0}, {"pipeline": "retail"})
>>> row == {"stage": "offer", "days_in_stage": 3.0, "age_days": 40.0, "stages": 2.0,
...         "skipped": True, "pipeline": "retail"}
True
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core.funnel import STAGES
from chalicelib.prediction.propensity import Value

_ORDER = {stage: place for place, stage in enumerate(STAGES)}


def row_of(days_since: Mapping[str, float], more: Mapping[str, Value]) -> dict[str, Value]:
    """``days_since`` tells when each stage that the deal has seen was entered, in days.

    Of stages that were entered at one instant, the later counts. A deal that has seen no stage
    has only what ``more`` tells.
    """
    if not days_since:
        return dict(more)
    stage = min(days_since, key=lambda one: (days_since[one], -_ORDER[one]))
    return {
        **more,
        "stage": stage,
        "days_in_stage": days_since[stage],
        "age_days": max(days_since.values()),
        "stages": float(len(days_since)),
        "skipped": len(days_since) < 1 + max(_ORDER[one] for one in days_since),
    }
