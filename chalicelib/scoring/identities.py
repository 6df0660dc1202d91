"""By what a subject is known to shops and apps: its ref, and a person's e-mail address and number.

>>> from datetime import UTC, datetime
>>> from chalicelib.core.facts import Fact
>>> now, anna = datetime(2026, 3, 21, tzinfo=UTC), Ref("hubspot-main", "contact", "512")
>>> record = Fact(anna, "contact", "512", now, {"email": "Anna@Acme.example"}, now)
>>> known_by(anna, FactSet.of([record]), "IR") == (of_ref(anna), of_email("anna@acme.example "))
True
"""

from __future__ import annotations

from hashlib import sha256

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.scoring.dues import person_keys

_PERSONS = frozenset({"contact", "lead"})


def known_by(ref: Ref, facts: FactSet, region: str) -> tuple[str, ...]:
    """``region`` is that of telephone numbers without a country."""
    record = facts.record() if ref.kind in _PERSONS else None
    return of_ref(ref), *(person_keys(record.data, region) if record else ())


def of_ref(ref: Ref) -> str:
    return sha256(str(ref).encode()).hexdigest()[:20]


def of_email(text: str) -> str | None:
    """None for what is no address."""
    return next(iter(person_keys({"email": text}, "")), None)


def of_phone(text: str, region: str) -> str | None:
    """None for what is no valid number."""
    return next(iter(person_keys({"phone": text}, region)), None)


def oldest(refs: tuple[Ref, ...]) -> Ref:
    """Of several who have one address: a contact before a lead, and ids grow with time.

    >>> str(oldest((Ref("hubspot-main", "contact", "10"), Ref("hubspot-main", "contact", "9"))))
    'hubspot-main:contact:9'
    """
    return min(refs, key=lambda ref: (ref.kind, len(ref.id), ref.id))
