"""What a CRM holds, in words that no CRM owns. Frozen; times are aware and in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple, get_args

from chalicelib.core.structs import struct

Kind = Literal["contact", "lead", "account", "deal", "ticket", "line_item", "survey"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SUBJECT_KINDS: tuple[Kind, ...] = ("contact", "lead", "account")
"""Kinds of record that can be scored; the others only tell something of them."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""Whatever JSON can say; the form in which values are stored and sent."""

Language = Literal["en", "fa"]

CONNECTION_ID = re.compile(r"(?=.{3,40}\Z)[a-z0-9]+-[a-z0-9-]+\Z")


def crm_of(connection: str) -> str:
    """The CRM's name, with which the id of each of its connections begins.

    >>> crm_of("hubspot-main")
    'hubspot'
    """
    return connection.split("-", 1)[0]


# ISO 4217 exponents that are not 2. Emtiaz departs from the standard for IRR alone: nobody
# has paid in hundredths of a rial for decades, and every Iranian CRM stores whole rials.
_EXPONENTS = {
    "IRR": 0, "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0,
    "PYG": 0, "RWF": 0, "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip

# Shops send toman under codes that ISO does not know: one toman is ten rial.
_TOMAN_CODES = frozenset({"IRT", "TMN"})


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Where a record lives.

    >>> Ref.parse("hubspot-main:contact:512")
    Ref(connection='hubspot-main', kind='contact', id='512')
    >>> str(Ref("hubspot-main", "contact", "512"))
    'hubspot-main:contact:512'
    """

    connection: str
    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.connection}:{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Raises ValueError for a text that is not ``connection:kind:id``."""
        connection, kind, identity = [*text.split(":", 2), "", ""][:3]
        if kind not in KINDS or not identity or not CONNECTION_ID.match(connection):
            raise ValueError(f"not a ref: {text!r}; expected connection:kind:id")
        return cls(connection, kind, identity)


class Text(NamedTuple):
    """One sentence in both languages of the product."""

    en: str
    fa: str

    def in_language(self, language: Language) -> str:
        return self.fa if language == "fa" else self.en


@struct
class Money:
    """An amount in the smallest unit in use (cents, whole rials), never a binary float.

    >>> Money.from_decimal(Decimal("29.33"), "USD")
    Money(amount=2933, currency='USD')
    >>> Money.from_decimal(Decimal("1500"), "IRT")
    Money(amount=15000, currency='IRR')
    """

    amount: int
    currency: str

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Money:
        """From major units, rounded half away from zero."""
        code = currency.upper()
        if code in _TOMAN_CODES:
            amount, code = amount * 10, "IRR"
        scaled = amount.scaleb(exponent(code))
        return cls(int(scaled.to_integral_value(ROUND_HALF_UP)), code)

    def to_decimal(self) -> Decimal:
        return Decimal(self.amount).scaleb(-exponent(self.currency))

    def to_json(self) -> dict[str, Json]:
        return {"amount": self.amount, "currency": self.currency}


def exponent(currency: str) -> int:
    """Decimal places between the smallest and the major unit of a currency."""
    return _EXPONENTS.get(currency, 2)


DealStatus = Literal["open", "won", "lost"]


@struct
class Deal:
    """A deal as scoring sees it; ``closed_at`` of a won deal is the time of the purchase.

    ``value`` is its amount in the connection's currency, where that was told apart from it.
    """

    id: str
    status: DealStatus
    amount: Money | None
    value: Money | None
    closed_at: datetime | None
    attributes: Mapping[str, Json]


@struct
class Purchase:
    """Money that came in: a won deal, or an order told by a shop."""

    id: str
    occurred_at: datetime
    amount: Money


class Activity(NamedTuple):
    """Something a person did, or a mail that was sent to them.

    ``kind`` is one of ``ACTIVITY_KINDS`` or starts with ``x.``.

    A card makes one of every such fact, and a tuple takes a third of a dataclass's time.
    """

    id: str
    kind: str
    occurred_at: datetime
    count: int  # type: ignore[assignment]  # hides a method of tuples that nobody calls
    attributes: Mapping[str, Json]


SENT = "email.sent"
"""To them and not by them: the one kind that tells nothing of what somebody did."""

ACTIVITY_KINDS = (
    "page.viewed", "file.downloaded", "email.opened", "email.clicked", "email.replied",
    "email.unsubscribed", "email.complained", "email.bounced", SENT,
    "form.submitted", "webinar.attended", "social.engaged", "meeting.held", "call.held",
    "app.opened", "review.posted", "referral.joined", "newsletter.joined", "feedback.given",
    "content.shared", "campaign.replied", "profile.completed",
)  # fmt: skip
