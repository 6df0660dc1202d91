"""Which policy and which models are in force, since when, and which of them a card was made by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json

COLLECTED = "collected"
"""Stands for a card's versions where its facts were kept and nothing of it published yet."""

HIDDEN = "hidden"
"""The same where the CRM has the record in its bin, so that no policy applies to it."""


def made_by(policy: str, models: str) -> str:
    """How a card and the index name the versions that it was made by.

    >>> made_by("1f2e3d", "none")
    '1f2e3d/none'
    """
    return f"{policy}/{models}"


@dataclass(frozen=True, slots=True)
class Publication:
    """One entry of a connection's history: ``version`` came into force in place of ``replaced``.

    ``number`` counts what was published for a connection, policies and models together, so it
    grows by every publication although a version may come back.
    """

    number: int
    what: Literal["policy", "models"]
    version: str
    at: datetime
    replaced: str | None = None
    by: str = ""
    note: str = ""

    @property
    def is_new(self) -> bool:
        """Whether something else was in force before."""
        return self.version != self.replaced

    def to_json(self) -> dict[str, Json]:
        return {
            "number": self.number,
            "what": self.what,
            "version": self.version,
            "at": iso(self.at),
            "replaced": self.replaced,
            "by": self.by,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Json]) -> Publication:
        """Of ``to_json``."""
        return cls(**{**row, "at": parse_instant(str(row["at"]))})  # type: ignore[arg-type]
