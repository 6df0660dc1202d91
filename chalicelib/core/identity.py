"""By what people are known who are told of without an id, and what waits for whom nobody knows.

An identity is a digest: of a ref, an e-mail address or a telephone number. A subject *claims* its
own, so that whoever is told of by one of them is found. What is told by an identity that nobody
claims *waits* under it, and the claim that comes at last takes it along.

>>> held, wanted = ("ref", "old"), ("ref", "new")
>>> changed(held, wanted).gone, [one.identity for one in changed(held, wanted).new]
(('old',), ['new'])
>>> changed(held, wanted).kept
('ref', 'new')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.core.facts import Fact
from chalicelib.core.model import Json, Ref

MOST_OWNERS = 50
"""An address that so many records have, such as that of a whole company, means nobody."""

ROWS_AT_ONCE = 40
"""How much of what waits moves in with one save."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is under an identity that a subject wants to claim: ``rows`` are facts of nobody yet.

    ``number`` counts whatever was ever put there, so it tells whether the rows still are all.
    There are more of them unless it ``is_whole``. Who ``is_crowded`` has as many owners as may be.
    """

    identity: str
    number: int = 0
    rows: tuple[Mapping[str, Json], ...] = ()
    is_whole: bool = True
    is_crowded: bool = False

    def facts(self, subject: Ref) -> tuple[Fact, ...]:
        return tuple(Fact.from_json({**row, "subject": str(subject)}) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Claims:
    """How a save changes what its subject is known by.

    ``kept`` are its identities after it, None where they stay as they are.
    """

    kept: tuple[str, ...] | None = None
    new: tuple[Waiting, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def items(self) -> int:
        """Of a transaction."""
        return len(self.gone) + sum(1 + len(one.rows) for one in self.new)

    @property
    def are_whole(self) -> bool:
        return all(one.is_whole for one in self.new)


NO_CLAIMS = Claims()


def changed(held: Sequence[str], wanted: Sequence[str], waiting: Sequence[Waiting] = ()) -> Claims:
    """From the identities held to those wanted; ``waiting`` is what was found under new ones."""
    found = {one.identity: one for one in waiting}
    new = tuple(found.get(one, Waiting(one)) for one in wanted if one not in held)
    partly = {one.identity for one in new if not one.is_whole}
    return Claims(
        kept=tuple(one for one in wanted if one not in partly),
        new=new,
        gone=tuple(one for one in held if one not in wanted),
    )
