"""What no document settles about HubSpot, to be decided either way: a test tries both."""

from __future__ import annotations

from dataclasses import dataclass

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot.errors import invalid

ERASURE_ORDERS = ("privacy_first", "deletion_first")


@dataclass(frozen=True, slots=True)
class Guesses:
    """``merge_gives_new_id`` where nobody says. ``batch_read_follows_merges``: an old id is
    answered with the survivor rather than reported missing. ``erasure_order``: which event of
    a privacy deletion is sent first. ``deletion_rings_associations``: also for those it ends.
    """

    merge_gives_new_id: bool = False
    batch_read_follows_merges: bool = False
    erasure_order: str = "privacy_first"
    deletion_rings_associations: bool = False
    restore_keeps_associations: bool = True
    associations_move_dates: bool = False
    engagement_moves_dates: bool = True

    def __post_init__(self) -> None:
        if self.erasure_order not in ERASURE_ORDERS:
            raise invalid(f"An erasure order is one of {ERASURE_ORDERS}")

    @classmethod
    def from_json(cls, body: Wire) -> Guesses:
        try:
            return cls(**body)
        except TypeError as wrong:
            raise invalid(str(wrong)) from wrong
