"""Points are spent, given back and adjusted: all or nothing, once per idempotency key.

The collection is read and folded, what time and facts brought about is caught up with, and the
instruction is carried out on that. Its entry, the reward that goes with it and the card with the
points that are left are one transaction, under the version of the card that was read. Whoever loses
the race for it begins again; so no two decide on the same balance.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib import logs
from chalicelib.core.errors import Conflict, Retryable, Superseded
from chalicelib.core.identity import NO_CLAIMS
from chalicelib.core.model import Ref
from chalicelib.core.stored import Handout, Save
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.instructions import (
    KINDS,
    Instruction,
    carry_out,
    earlier,
    handouts,
    reward_asked,
)
from chalicelib.loyalty.member import Member
from chalicelib.pipeline.bells import ring_bells
from chalicelib.pipeline.customers import customer
from chalicelib.pipeline.membership import entries_of
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.till import Till, score_of

ATTEMPTS = 8
"""Races for one balance that are worth running before the caller is asked to come back."""

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5

Sleep = Callable[[float], None]


@dataclass(slots=True)
class _Deed:
    """Carries out an instruction on a member, and keeps what came of it."""

    instruction: Instruction
    till: Till
    score: int | None
    handouts: tuple[Handout, ...] = ()
    made: tuple[Entry, ...] = ()

    @property
    def entry(self) -> Entry:
        return next(one for one in self.made if one.kind in KINDS)

    def __call__(self, member: Member) -> tuple[Entry, ...]:
        now = self.till.now
        reward = reward_asked(self.instruction, member.program(now))
        given = self.till.given(*([reward] if reward else []))
        self.made = tuple(carry_out(self.instruction, member, given, now, self.score))
        self.handouts = handouts(self.made, member.book, reward)
        return self.made


def carry_out_for(
    subject: Ref,
    instruction: Instruction,
    services: Services,
    *,
    dry_run: bool = False,
    sleep: Sleep = time.sleep,
) -> Entry:
    """The entry that says what came of it, the same for the same instruction ever after.

    Raises ``Rejected`` where it cannot be carried out, and ``Conflict`` if others kept saving
    first; nothing was changed then.
    """
    for attempt in range(ATTEMPTS):
        till = Till.of(subject.connection, services, services.clock.now())
        try:
            return _attempt(subject, instruction, till, dry_run=dry_run)
        except (Conflict, Superseded):
            longest = min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S)
            sleep(random.uniform(0, longest))  # noqa: S311 - spreads attempts, guards nothing
    raise Conflict(f"{subject}: lost {ATTEMPTS} races", retry_after=1)


def _attempt(subject: Ref, instruction: Instruction, till: Till, *, dry_run: bool) -> Entry:
    collection = customer(subject, till.services.store)
    if collection.card.revision > till.live.revision:
        raise Superseded(f"{collection.ref} was scored by a later publication")
    if collection.ref != subject:
        instruction = replace(instruction, record=subject.id)
    if known := earlier(entries_of(collection), instruction):
        return known
    deed = _Deed(instruction, till, score_of(collection))
    save = till.saves().of(collection, (), act=deed)
    assert save is not None  # there is an entry more, or it was refused
    if not dry_run:
        if save.announcements:
            ring_bells(save.announcements, till.services)  # first, see ``bells``
        # By what somebody is known is noted with what is read of them, and not in between.
        till.services.store.save(replace(save, handouts=deed.handouts, claims=NO_CLAIMS))
        _ring(save, till.services)
    return deed.entry


def _ring(save: Save, services: Services) -> None:
    """As sweep would within minutes: nobody is told that it failed when it is done."""
    connection = save.ref.connection
    try:
        if save.debts.owed:
            services.intake.send(refs_messages(connection, [save.ref], Reason.DELIVER))
        if not save.settled:
            services.write_back.send(refs_messages(connection, [save.ref]))
    except Retryable as error:
        logs.warning("not rung", subject=str(save.ref), reason=str(error))
