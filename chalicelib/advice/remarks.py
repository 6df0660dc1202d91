"""What an admin is told: what was seen, in numbers, and what could be changed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.advice.changes import Change
from chalicelib.core.model import Json

Topic = Literal["points", "thresholds", "rfm", "reach", "unscored", "data"]


@dataclass(frozen=True, slots=True)
class Remark:
    """``about`` is what it is said of; without ``changes`` nothing is proposed."""

    topic: Topic
    about: str
    says: str
    evidence: Mapping[str, Json]
    changes: tuple[Change, ...] = ()

    def to_json(self, page: Mapping[str, Any]) -> dict[str, Json]:
        return {
            "topic": self.topic,
            "about": self.about,
            "says": self.says,
            "evidence": dict(self.evidence),
            "changes": [change.to_json(page) for change in self.changes],
        }


def per_cent(share: float) -> str:
    """With a decimal only below one.

    >>> per_cent(0.123), per_cent(0.005)
    ('12 %', '0.5 %')
    """
    value = 100 * share
    return f"{value:.1f} %" if 0 < abs(value) < 1 else f"{value:.0f} %"


def signed(value: float) -> str:
    """Whole, with its sign.

    >>> signed(12.4), signed(-3.0), signed(0.2)
    ('+12', '-3', '0')
    """
    return f"{value:+.0f}" if abs(value) >= 0.5 else "0"  # noqa: PLR2004  # what rounds to none
