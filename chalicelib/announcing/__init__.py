"""What is to be told of somebody, and to whom: pure, and without a memory of its own.

``due`` compares how somebody stood when they were last looked at (``Seen``) with how they stand
now (``Sight``). So whoever keeps cards keeps what ``seen`` makes of a sight beside the card, in
one transaction with the announcements, and everything is announced once, however often a run is
repeated. Only what happens from then on is announced:

- Who is looked at for the first time is merely noted (``first_sight``). What tells a time of its
  own, such as an order or a tier, is announced if that lies within the last hour.
- After a new policy or new borders, the earlier standing is reckoned anew from the facts of before
  (``under_new_edition``), so that what the publication moved is not taken for news. A row that was
  not in force at the last look says nothing at this one.
- While the history of a connection is collected nothing is announced.

A change that came and went between two looks is none.
"""

from chalicelib.announcing.due import due
from chalicelib.announcing.sight import (
    Loyalty,
    Sight,
    first_sight,
    seen,
    under_new_edition,
    upcoming,
)

__all__ = ["Loyalty", "Sight", "due", "first_sight", "seen", "under_new_edition", "upcoming"]
