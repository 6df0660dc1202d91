"""Answers of batch calls: 200 or 201 when all went well, 207 with errors otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell

Answer = tuple[Wire, int]


def batch_answer(
    results: Sequence[Wire], errors: Sequence[Wire], now: datetime, *, success: int = 200
) -> Answer:
    body: Wire = {
        "status": "COMPLETE",
        "results": list(results),
        "startedAt": spell(now),
        "completedAt": spell(now),
    }
    if not errors:
        return body, success
    return body | {"numErrors": len(errors), "errors": list(errors)}, 207
