"""Keys of the Points API as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json

Scope = Literal["points:read", "points:write"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """``digest`` is SHA-256 of its secret, which is kept nowhere; ``name`` says who has it.

    Who may write may read: an answer to a redemption tells of the balance anyway.
    """

    id: str
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    revoked_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or (scope == "points:read" and "points:write" in self.scopes)

    def to_json(self) -> dict[str, Json]:
        """>>> from datetime import UTC
        >>> key = ApiKey("a", "shop", "0f", ("points:read",), datetime(2026, 3, 21, tzinfo=UTC))
        >>> ApiKey.from_json(key.to_json()) == key
        True
        """
        return {
            "id": self.id,
            "name": self.name,
            "digest": self.digest,
            "scopes": [*self.scopes],
            "created_at": iso(self.created_at),
            "revoked_at": iso(self.revoked_at) if self.revoked_at else None,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> ApiKey:
        revoked = row["revoked_at"]
        return cls(
            id=row["id"],
            name=row["name"],
            digest=row["digest"],
            scopes=tuple(row["scopes"]),
            created_at=parse_instant(row["created_at"]),
            revoked_at=parse_instant(revoked) if revoked else None,
        )
