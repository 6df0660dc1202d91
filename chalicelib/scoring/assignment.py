"""Who of us takes somebody: a rep of the pool with the skill and the time.

Each rep draws a number u in (0, 1) from the hash of both ids, and the one with the greatest
``-c / ln u`` takes them, c being the rep's minutes a day. So the same person always comes to the
same rep, reps get their share by capacity, and when one leaves or is full, nobody else's people
move. Who already owns somebody and is in the pool keeps them.

>>> sara = Rep("77", frozenset({"pumps"}), 120)
>>> omid = Rep("78", frozenset(), 120)
>>> assigned("hubspot-main:contact:512", None, (sara, omid), "pumps", {}, 15)
'77'
>>> assigned("hubspot-main:contact:512", None, (sara, omid), "pumps", {"77": 10}, 15) is None
True

Source: Thaler and Ravishankar 1998, "Using name-based mappings to increase hit rates"; the
weights are those of Schindelhauer and Schomaker 2005.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256

from chalicelib.core.calls import Rep

_SPACE = 2**64


def assigned(
    subject: str,
    owner: str | None,
    pool: Sequence[Rep],
    skill: str | None,
    free: Mapping[str, float],
    minutes: float,
) -> str | None:
    """The id of a rep, None if nobody fits; ``free`` are minutes left, all of them if not named."""
    fitting = [
        rep
        for rep in pool
        if (skill is None or skill in rep.skills)
        and free.get(rep.id, rep.minutes_per_day) >= minutes
    ]
    if any(rep.id == owner for rep in fitting):
        return owner
    best = max(fitting, key=lambda rep: (_draw(subject, rep), rep.id), default=None)
    return best.id if best else None


def _draw(subject: str, rep: Rep) -> float:
    digest = sha256(f"{subject}|{rep.id}".encode()).digest()
    share = (int.from_bytes(digest[:8], "big") + 0.5) / _SPACE
    return -rep.minutes_per_day / math.log(share)
