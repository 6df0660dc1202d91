"""What is answered: the JSON of an entry, and of a fault by RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from chalicelib.core.errors import Rejected
from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Money, Text
from chalicelib.loyalty.entries import MOVED, Entry
from chalicelib.loyalty.instructions import CancelledAlready
from chalicelib.loyalty.redemption import Insufficient, KeyTaken, NotRedeemed
from chalicelib.loyalty.rewards import Offer, RewardRefused
from chalicelib.loyalty.statement import Line
from chalicelib.points.asked import AskedAmiss

PROBLEM = "urn:emtiaz:problem:"
_TYPES: Mapping[type[Rejected], str] = {
    Insufficient: "insufficient-points",
    RewardRefused: "reward-refused",
    KeyTaken: "key-taken",
    CancelledAlready: "cancelled-already",
    NotRedeemed: "not-redeemed",
}
_OF_REWARDS = ("reward", "kind", "value", "percent", "code")


def entry_json(entry: Entry) -> dict[str, Json]:
    """Of the entry alone, so that it is the same whenever it is asked for."""
    detail = entry.detail or {}
    told: dict[str, Json] = {"at": iso(entry.occurred_at), "balance": detail["balance"]}
    match entry.kind:
        case "redeem":
            given = {name: detail[name] for name in _OF_REWARDS if name in detail}
            return {"redemption": detail["key"], "points": entry.points, **told, **given}
        case "redeem_cancel":
            # Of a record that was merged into another it has a prefix by now.
            redemption = entry.of.rpartition(MOVED)[2]
            return {"redemption": redemption, "points": entry.points, **told}
    points = entry.points if entry.opens else -entry.points
    return {"adjustment": detail["key"], "points": points, **told}


def line_json(number: int, line: Line) -> dict[str, Json]:
    return {
        "number": number,
        "at": iso(line.at),
        "kind": line.kind,
        "points": line.points,
        "balance": line.balance,
        "text": text_json(line.text),
        "actor": line.actor,
        "of": line.of,
    }


def offer_json(offer: Offer, points: int) -> dict[str, Json]:
    """``points`` are those that there would be."""
    reward = offer.reward
    return {
        "id": reward.id,
        "kind": reward.kind,
        "cost": reward.cost,
        "text": text_json(reward.text),
        "value": _money_json(offer.value),
        "percent": reward.percent,
        "missing": max(reward.cost - points, 0),
        "refusal": offer.refusal,
        "refused": text_json(offer.text) if offer.refusal else None,
    }


def problem_json(error: Rejected) -> dict[str, Json]:
    told = problem(error.status, str(error))
    if word := _TYPES.get(type(error)):
        told = {"type": PROBLEM + word, **told}
    match error:
        case Insufficient(asked=asked, available=available):
            return {**told, "asked": asked, "available": available}
        case RewardRefused(refusal=refusal, text=text):
            return {**told, "refusal": refusal, "text": text_json(text)}
        case AskedAmiss(pointer=pointer):
            return {**told, "pointer": pointer}
    return told


def problem(status: int, detail: str) -> dict[str, Json]:
    return {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def text_json(text: Text) -> dict[str, Json]:
    return {"en": text.en, "fa": text.fa}


def _money_json(money: Money | None) -> Json:
    return money.to_json() if money else None
