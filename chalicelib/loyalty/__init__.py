"""Loyalty, the pure part: from what happened to points, missions, tiers and rewards.

::

    facts ─► happenings ─► course ──────────► what should have been earned, tier, missions
                           (by the programme    │
                            in force then)      ▼ minus what was granted (difference)
    entries ─► book ─────────────────────────► entries to append

The ``course`` walks through what happened in the order of time and knows nothing of what was
spent. The ``book`` is a fold over append-only entries and knows nothing of rules. Between them
stands the ``difference``. Nothing here reads a clock, a CRM or a table.
"""
