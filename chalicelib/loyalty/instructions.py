"""What somebody asks of a ledger: to redeem, to cancel a redemption, to adjust by hand.

An ``Instruction`` carries the caller's idempotency key. Whatever it brings about stands in one
entry, which keeps the key, a digest of what was asked and the balance after it. So the same
instruction again is answered from that entry, word for word, and another one under the same key is
told apart, also after the record was merged into another.

>>> from datetime import UTC
>>> from zoneinfo import ZoneInfo
>>> from chalicelib.core.loyalty import Program
>>> from chalicelib.loyalty.adjustments import Adjustment
>>> from chalicelib.loyalty.program import Programs
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> member = Member(Programs.of(Program(ZoneInfo("Asia/Tehran"), "jalali", "IRR")))
>>> _ = member.adjust(Adjustment("gift", 50, "sara@example.com", "late delivery"), now)
>>> asked = Instruction("order-7", "emk_a", Redeem(points=30))
>>> entries = carry_out(asked, member, Given(), now)
>>> entries[-1].id, entries[-1].detail["balance"]
('redeem:order-7', 20)
>>> earlier(entries, asked).id
'redeem:order-7'
>>> earlier(entries, Instruction("order-7", "emk_a", Redeem(points=31)))
Traceback (most recent call last):
    ...
chalicelib.loyalty.redemption.KeyTaken: order-7 stands for something else already
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256

from chalicelib.core.errors import Rejected
from chalicelib.core.facts import canonical
from chalicelib.core.loyalty import Program, Reward
from chalicelib.core.stored import Handout
from chalicelib.loyalty.adjustments import Adjustment
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry, is_of_record
from chalicelib.loyalty.member import Member
from chalicelib.loyalty.redemption import KeyTaken, Spending, own_redemption
from chalicelib.loyalty.rewards import Given

KINDS = frozenset({"redeem", "redeem_cancel", "adjust"})
"""Entries that somebody asked for; all others are brought about by facts, time and merges."""


class CancelledAlready(Rejected):
    """By another instruction than this."""

    status = 409


@dataclass(frozen=True, slots=True)
class Redeem:
    """So many points, or what a reward costs."""

    points: int = 0
    reward: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """``redemption`` is the key that it was asked for with."""

    redemption: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Adjust:
    """Points are given, or taken where below 0."""

    points: int
    actor: str
    reason: str


Wanted = Redeem | Cancel | Adjust


@dataclass(frozen=True, slots=True)
class Instruction:
    """``by`` is who asks: an API key, or an identity of AWS.

    ``record`` is the id of the record that was named, where that was merged into another. Both may
    have used one key, and then its own is meant.
    """

    key: str
    by: str
    wanted: Wanted
    record: str = ""

    @property
    def digest(self) -> str:
        asked = {"what": type(self.wanted).__name__, **asdict(self.wanted)}
        return sha256(canonical(asked).encode()).hexdigest()[:32]


def earlier(entries: Iterable[Entry], instruction: Instruction) -> Entry | None:
    """The entry that this very instruction brought about. Raises KeyTaken for another one's."""
    asked = [entry for entry in entries if entry.kind in KINDS]
    under_key = [entry for entry in asked if (entry.detail or {}).get("key") == instruction.key]
    same = [one for one in under_key if (one.detail or {}).get("digest") == instruction.digest]
    if under_key and not same:
        raise KeyTaken(f"{instruction.key} stands for something else already")
    own = (entry for entry in same if is_of_record(entry.id, instruction.record))
    return next(own, same[0] if same else None)


def carry_out(
    instruction: Instruction,
    member: Member,
    given: Given,
    now: datetime,
    score: int | None = None,
) -> list[Entry]:
    """The entries it brings about; raises ``Rejected`` where it cannot be, and changes nothing.

    ``score`` is that of the customer, by which tiers may go.
    """
    made = _entries(instruction, member, given, now, score)
    if not any(entry.kind in KINDS for entry in made):
        raise CancelledAlready("this redemption is cancelled already")
    balance = member.book.available
    return [_noted(entry, instruction, balance) if entry.kind in KINDS else entry for entry in made]


def reward_asked(instruction: Instruction, program: Program) -> Reward | None:
    """The one of the catalogue whose stock and codes have to be known."""
    if not isinstance(instruction.wanted, Redeem):
        return None
    wanted = instruction.wanted.reward
    return next((one for one in program.rewards if one.id == wanted), None)


def handouts(made: Sequence[Entry], book: Book, reward: Reward | None) -> tuple[Handout, ...]:
    """The rewards that change hands with entries.

    What is cancelled comes back to the stock. Its code does not: whoever has seen it may have used
    it.
    """
    found = []
    for entry in made:
        if entry.kind == "redeem" and reward:
            code = (entry.detail or {}).get("code")
            found.append(Handout(entry.id, reward.id, 1, reward.stock, str(code) if code else None))
        elif entry.kind == "redeem_cancel":
            redeemed = (book.redeemed[entry.of].detail or {}).get("reward")
            found += [Handout(entry.id, str(redeemed), -1)] if redeemed else []
    return tuple(found)


def _entries(
    instruction: Instruction, member: Member, given: Given, now: datetime, score: int | None
) -> list[Entry]:
    key, by = instruction.key, instruction.by
    match instruction.wanted:
        case Redeem(points, "", reason):
            return member.redeem(Spending(key, points, by, reason), now)
        case Redeem(_, reward, reason):
            return member.redeem_reward(reward, Spending(key, 0, by, reason), now, given, score)
        case Cancel(redemption, reason):
            own = own_redemption(member.book, redemption, instruction.record)
            return member.cancel(own, now, by, reason)
        case Adjust(points, actor, reason):
            return member.adjust(Adjustment(key, points, actor, reason), now)


def _noted(entry: Entry, instruction: Instruction, balance: int) -> Entry:
    noted = {
        **(entry.detail or {}),
        "key": instruction.key,
        "digest": instruction.digest,
        "balance": balance,
        "by": instruction.by,
    }
    return replace(entry, detail=noted)
