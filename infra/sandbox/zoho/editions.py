"""What an organisation may do, by what it pays."""

from __future__ import annotations

from dataclasses import dataclass

SUB_CONCURRENCY = 10
"""Complex calls at a time, in every edition."""


@dataclass(frozen=True, slots=True)
class Edition:
    """``credits`` of 24 hours grow by ``per_user`` up to ``cap``, if there is one."""

    name: str
    custom_fields: int
    tags_per_record: int
    tags_per_module: int
    concurrency: int
    credits: int
    per_user: int = 0
    cap: int | None = None

    def daily_credits(self, users: int) -> int:
        grown = self.credits + self.per_user * users
        return grown if self.cap is None else min(grown, self.cap)


EDITIONS = {
    one.name: one
    for one in (
        Edition("free", 0, 0, 0, 5, 5_000, cap=5_000),
        Edition("standard", 10, 5, 20, 10, 50_000, 250, 100_000),
        Edition("professional", 150, 10, 60, 15, 50_000, 500, 3_000_000),
        Edition("enterprise", 300, 10, 100, 20, 50_000, 1_000, 5_000_000),
        Edition("ultimate", 500, 10, 200, 25, 50_000, 2_000),
    )
}
