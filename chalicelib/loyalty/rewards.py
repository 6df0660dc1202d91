"""The catalogue: what points can be exchanged for, by whom, when, and how many there are.

How many were given away, and which codes, is known to whoever keeps all customers' ledgers; it
comes in as ``Given``. A code is taken once: the first of the reward's that nobody has.

>>> from datetime import UTC
>>> from zoneinfo import ZoneInfo
>>> from chalicelib.core.model import Text
>>> cup = Reward("cup", "product", 300, Text("A cup", "یک لیوان"), stock=2,
...              tiers=frozenset({"gold"}))
>>> shop = Program(ZoneInfo("Asia/Tehran"), "jalali", "IRR", rewards=(cup,),
...                point_value=Fraction(1000))
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> offered(shop, "silver", Given(), 500, now)[0].refusal
'tier'
>>> offered(shop, "gold", Given({"cup": 2}), 500, now)[0].refusal
'sold_out'
>>> offered(shop, "gold", Given(), 500, now)[0].refusal is None
True
>>> worth(shop, 500)
Money(amount=500000, currency='IRR')

Source: Salesforce Loyalty Management (vouchers), Voucherify (rewards, code pools), Open Loyalty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from chalicelib.core.errors import Rejected
from chalicelib.core.loyalty import Program, Reward
from chalicelib.core.model import Json, Money, Text
from chalicelib.localization.loyalty import REFUSALS
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.redemption import Spending, redeem


class RewardRefused(Rejected):
    """``refusal`` is a word of ``localization.loyalty.REFUSALS``, ``text`` says it to people."""

    status = 409

    def __init__(self, reward: str, refusal: str) -> None:
        self.refusal, self.text = refusal, REFUSALS[refusal]
        super().__init__(f"{reward}: {self.text.en}")


@dataclass(frozen=True, slots=True)
class Given:
    """What all customers together have had: how many of each reward, and which codes."""

    counts: Mapping[str, int] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward as one customer sees it; ``refusal`` says why they cannot have it."""

    reward: Reward
    value: Money | None
    refusal: str | None

    @property
    def text(self) -> Text:
        return REFUSALS[self.refusal] if self.refusal else self.reward.text


def offered(
    program: Program, tier: str | None, given: Given, points: int, now: datetime
) -> list[Offer]:
    """The whole catalogue, in the order of the policy."""
    return [
        Offer(one, value_of(one, program), _refusal(one, tier, given, points, now))
        for one in program.rewards
    ]


def redeem_reward(
    book: Book,
    program: Program,
    reward_id: str,
    asked: Spending,
    tier: str | None,
    given: Given,
    now: datetime,
) -> list[Entry]:
    """``asked`` is the redemption without its points. Raises RewardRefused, or KeyTaken.

    What was redeemed under this id already is not asked for again, even if it is sold out now.
    """
    reward = next((one for one in program.rewards if one.id == reward_id), None)
    if reward is None:
        raise RewardRefused(reward_id, "unknown")
    spending = _spending(asked, reward, program, given)
    if asked.id in book.redeemed:
        return redeem(book, spending, now)
    made = book.settle(now)
    refusal = _refusal(reward, tier, given, book.available, now)
    if refusal:
        raise RewardRefused(reward_id, refusal)
    return [*made, *redeem(book, spending, now)]


def value_of(reward: Reward, program: Program) -> Money | None:
    """In money, for what is worth any: of ``money`` without a value its points' worth."""
    if reward.value is not None:
        return Money(reward.value, program.currency)
    return worth(program, reward.cost) if reward.kind == "money" else None


def worth(program: Program, points: int) -> Money:
    """Of so many points, floored to the smallest unit."""
    value: Fraction = program.point_value * points
    return Money(value.numerator // value.denominator, program.currency)


def _refusal(
    reward: Reward, tier: str | None, given: Given, points: int, now: datetime
) -> str | None:
    if now not in reward.dates:
        return "not_now"
    if reward.tiers is not None and tier not in reward.tiers:
        return "tier"
    if _is_sold_out(reward, given):
        return "sold_out"
    return "points" if points < reward.cost else None


def _is_sold_out(reward: Reward, given: Given) -> bool:
    if reward.stock is not None and given.counts.get(reward.id, 0) >= reward.stock:
        return True
    return bool(reward.codes) and _code(reward, given) is None


def _code(reward: Reward, given: Given) -> str | None:
    return next((code for code in reward.codes if code not in given.codes), None)


def _spending(asked: Spending, reward: Reward, program: Program, given: Given) -> Spending:
    value = value_of(reward, program)
    detail: dict[str, Json] = {"reward": reward.id, "kind": reward.kind}
    if value:
        detail["value"] = value.to_json()
    if reward.percent is not None:
        detail["percent"] = reward.percent
    if code := _code(reward, given):
        detail["code"] = code
    return Spending(asked.id, reward.cost, asked.actor, asked.reason or reward.id, detail)
