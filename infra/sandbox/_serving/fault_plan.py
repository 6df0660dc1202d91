"""Unkindness in doses: a share of all API requests is struck, by a plan that can be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

from infra.sandbox._serving.errors import Wire, invalid

KINDS = ("429", "5xx", "hang", "close", "lost", "slow", "truncated", "expired")
"""What may happen to a request:

``429`` it is turned away; ``5xx`` a gateway answers; ``hang`` nobody answers, and then the
connection ends; ``close`` the connection ends at once; ``lost`` the same, but the work is done;
``slow`` the answer dribbles; ``truncated`` half of the answer is missing; ``expired`` the OAuth
token is at its end (a static token has none: another of the planned kinds strikes instead).
"""

_GATEWAY_STATUSES = (502, 503, 504)
_OVERLOADED = 503


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """``share`` of the requests whose route holds one of ``routes`` are struck; none: of all.

    ``kinds`` are equally likely, or as likely as their weights. A ``hang`` does its work before
    it falls silent or never, and lasts ``hang_seconds``; ``slow`` spreads over ``slow_seconds``.
    The same seed and order of requests give the same strikes.
    """

    seed: int = 0
    share: float = 0.05
    kinds: Sequence[str] | Mapping[str, float] = KINDS
    routes: Sequence[str] = ()
    hang_seconds: float = 2.0
    slow_seconds: float = 1.0

    @classmethod
    def from_json(cls, body: Wire) -> Self:
        """Raises ``ApiError``."""
        try:
            return cls(**body)
        except (TypeError, ValueError) as wrong:
            raise invalid(str(wrong)) from wrong

    def __post_init__(self) -> None:
        if unknown := set(self.kinds) - set(KINDS):
            raise ValueError(f"Unknown kinds of faults: {sorted(unknown)}")
        if not self.kinds or not 0 <= self.share <= 1:
            raise ValueError("A fault plan needs some kind, and a share between 0 and 1")

    def weights(self) -> Mapping[str, float]:
        if isinstance(self.kinds, Mapping):
            return self.kinds
        return dict.fromkeys(self.kinds, 1.0)

    def concerns(self, route: str) -> bool:
        return not self.routes or any(one in route for one in self.routes)


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens to one request. ``applied`` ones do their work all the same.

    ``status`` is the answer's, 0 where the fault does not choose it. ``seconds`` is how long a
    slow or silent one takes; ``noticed`` whether a truncated one shows by its length that
    something is missing.
    """

    kind: str
    applied: bool
    status: int
    seconds: float
    noticed: bool


class Dice:
    """Throws for a plan: always the same number of times per request, struck or not."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._random = Random(plan.seed)  # noqa: S311 - a plan that can be repeated, no secret

    def throw(self, *, expirable: bool) -> Strike | None:
        struck, kind_at, status_at, coin = (self._random.random() for _ in range(4))
        if struck >= self.plan.share:
            return None
        kind = _pick(self.plan.weights(), kind_at, expirable=expirable)
        return self._strike(kind, status_at, heads=coin < 0.5) if kind else None  # noqa: PLR2004

    def _strike(self, kind: str, status_at: float, *, heads: bool) -> Strike:
        gateway = _GATEWAY_STATUSES[int(status_at * len(_GATEWAY_STATUSES))]
        # Behind a gateway that gives up the work may be done; an overloaded one lets none through.
        in_doubt = kind == "hang" or (kind == "5xx" and gateway != _OVERLOADED)
        return Strike(
            kind=kind,
            applied=kind in ("lost", "slow", "truncated") or (in_doubt and heads),
            status={"5xx": gateway, "429": 429}.get(kind, 0),
            seconds={"hang": self.plan.hang_seconds, "slow": self.plan.slow_seconds}.get(kind, 0),
            noticed=heads,
        )


def _pick(weights: Mapping[str, float], at: float, *, expirable: bool) -> str | None:
    """The kind at a place between 0 and 1 along all weights."""
    possible = {kind: one for kind, one in weights.items() if expirable or kind != "expired"}
    rest = at * sum(possible.values())
    for kind, weight in possible.items():
        rest -= weight
        if rest < 0:
            return kind
    return None
