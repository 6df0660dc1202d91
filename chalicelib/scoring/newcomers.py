"""Who has bought for the first time, and lately.

Within ``new_days`` of their first purchase customers are new, and those with a single one are there
for the first time. Both end by themselves, with the window.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.core.policy import CustomerPolicy, Profile

FIRST_TIME = "customer:first-time"
NEW = "customer:new"


def tags(policy: CustomerPolicy, profile: Profile) -> tuple[str, ...]:
    if changes_at(policy, profile) is None:
        return ()
    return (NEW,) if len(profile.purchases) > 1 else (FIRST_TIME, NEW)


def changes_at(policy: CustomerPolicy, profile: Profile) -> datetime | None:
    """When they cease to be new; None for anybody else."""
    if policy.new_days is None or not profile.purchases:
        return None
    end = profile.purchases[0].occurred_at + timedelta(days=policy.new_days)
    return end if end > profile.now else None
