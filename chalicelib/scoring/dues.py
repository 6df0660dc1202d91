"""What one subject owes to others, and when they have to hear of it.

A person's score is owed to their company, and what somebody bought to whoever referred them.
Each due is a fact of the creditor's collection: a state, of which the newest version wins. So it
may be delivered twice, late and in any order, follows a creditor that was merged, and is taken
back by a newer version that says nothing.

A score is owed as the CRM shows it, so that it moves by the steps of ``publish`` and decay does
not drip from one collection into another. A purchase that is itself credited is never passed on.

>>> from datetime import UTC
>>> from chalicelib.core.dues import NO_DEBTS
>>> anna, now = Ref("hubspot-main", "contact", "1"), datetime(2026, 3, 21, tzinfo=UTC)
>>> links = Fact(anna, "links", "links", now, {"account": ["7"]})
>>> [due] = dues(anna, 63, FactSet.of([links]), Owing(roll_up=True, referrer=None), now)
>>> str(due.subject), due.type, due.data
('hubspot-main:account:7', 'score', {'score': 63, 'person': []})
>>> owed = revised(NO_DEBTS, [due], now)
>>> revised(owed, [due], now) == owed
True
>>> [fact.data for fact in revised(owed, [], now).standing]
[{}]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import cast

from chalicelib.core.dues import Debts, says_nothing, taken_back
from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.model import Json, Purchase, Ref
from chalicelib.core.outputs import FieldValue
from chalicelib.core.policy import Owing
from chalicelib.localization.letters import key_form
from chalicelib.localization.phones import e164

REFERRAL = "referral"

_PERSONS = frozenset({"contact", "lead"})
_RECORD_ID = re.compile(r"[A-Za-z0-9-]{1,40}")
_TICK = timedelta(milliseconds=1)


def dues(
    subject: Ref, shown: FieldValue, facts: FactSet, owing: Owing, now: datetime
) -> tuple[Fact, ...]:
    """All that ``subject`` should owe; ``shown`` is its score in the CRM, None before it has one.

    A deleted subject owes nothing.
    """
    if facts.hidden:
        return ()
    found: list[Fact] = []
    if owing.roll_up and subject.kind in _PERSONS and isinstance(shown, int):
        found += _to_company(subject, shown, facts, owing.region, now)
    if owing.referrer:
        found += _to_referrer(subject, owing.referrer, facts, now)
    return tuple(found)


def revised(debts: Debts, wanted: Iterable[Fact], now: datetime) -> Debts:
    """The debts that stand once ``wanted`` are owed and all others are taken back.

    Whoever has delivered ``debts`` need not hear of the result if it is the same. Versions
    only rise, whatever the clocks say. What is taken back from one creditor ranks below what is
    owed beside it, for the two may have become one.
    """
    fresh = {(fact.subject, fact.key): fact for fact in wanted}
    held = {(fact.subject, fact.key): fact for fact in debts.standing}
    gone = [fact for place, fact in held.items() if place not in fresh]
    anew = [fact for fact in gone if not says_nothing(fact)]
    if not anew and all(_same(fact, held.get(place)) for place, fact in fresh.items()):
        return debts
    at = _next_version(debts, now)
    taken = [fact if says_nothing(fact) else taken_back(fact, at) for fact in gone]
    kept = [
        held[place]
        if not anew and _same(fact, held.get(place))
        else replace(fact, modified_at=at + _TICK)
        for place, fact in fresh.items()
    ]
    return Debts((*taken, *kept), owed=True, as_of=at + _TICK)


def withdrawn(debts: Debts, now: datetime) -> tuple[Fact, ...]:
    """What takes back all that a subject owes, when it leaves."""
    return revised(debts, (), now).standing


def person_keys(record: Mapping[str, Json], region: str) -> list[str]:
    """By which two records of one person are known: hashes of e-mail address and phone number.

    ``region`` is that of numbers without a country.

    >>> one = person_keys({"email": "Anna@Acme.example", "phone": "+98 912 345 6789"}, "IR")
    >>> other = person_keys({"email": "anna@acme.example ", "phone": "۰۹۱۲۳۴۵۶۷۸۹"}, "IR")
    >>> one == other, len(one)
    (True, 2)
    """
    email = key_form(str(record.get("email") or ""))
    keys = [email if "@" in email else "", e164(str(record.get("phone") or ""), region)]
    return [_digest(key) for key in keys if key]


def _to_company(
    subject: Ref, shown: int, facts: FactSet, region: str, now: datetime
) -> Iterator[Fact]:
    companies = cast("list[str]", _links(facts).get("account", []))
    if companies:
        record = facts.record()
        person = cast(list[Json], person_keys(record.data if record else {}, region))
        yield Fact(
            subject=Ref(subject.connection, "account", companies[0]),
            type="score",
            id=_digest(str(subject)),
            occurred_at=now,
            data={"score": shown, "person": person},
        )


def _links(facts: FactSet) -> Mapping[str, Json]:
    links = facts.facts.get("FACT#links")
    return links.data if links else {}


def _to_referrer(subject: Ref, attribute: str, facts: FactSet, now: datetime) -> Iterator[Fact]:
    record = facts.record()
    identity = str((record.data if record else {}).get(attribute) or "")
    if not _RECORD_ID.fullmatch(identity) or identity == subject.id:
        return
    referrer = Ref(subject.connection, subject.kind, identity)
    for purchase in facts.purchases():
        if purchase.amount.amount > 0:
            yield _referral(referrer, subject, purchase, now)


def _referral(referrer: Ref, buyer: Ref, purchase: Purchase, now: datetime) -> Fact:
    return Fact(
        subject=referrer,
        type="purchase",
        id=_digest(f"{buyer} {purchase.id}"),
        occurred_at=purchase.occurred_at,
        data={"credit": REFERRAL, "amount": purchase.amount.to_json()},
        modified_at=now,
    )


def _digest(text: str) -> str:
    """So that whoever is forgotten leaves no name behind in others' collections."""
    return sha256(text.encode()).hexdigest()[:20]


def _same(fact: Fact, held: Fact | None) -> bool:
    if held is None or fact.data != held.data:
        return False
    # When a score was computed does not matter, when a purchase was made does.
    return fact.type != "purchase" or iso(fact.occurred_at) == iso(held.occurred_at)


def _next_version(debts: Debts, now: datetime) -> datetime:
    """In whole milliseconds, as facts are kept."""
    whole = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return max(whole, debts.as_of + _TICK) if debts.as_of else whole
