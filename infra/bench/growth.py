"""What reading one subject costs as its facts grow."""

from __future__ import annotations

from math import ceil
from random import Random

from chalicelib.core.facts import Fact, FactSet, canonical, iso
from chalicelib.core.model import Ref
from chalicelib.core.stored import Save
from infra.bench import card_population as made
from infra.bench.figures import Figure
from infra.bench.meter import metered
from infra.sandbox.rehearsal import Rehearsal

SIZES = (10, 1_000, 10_000)
_STRANGERS = 900_000_000
"""Numbers from here on are those of nobody in the CRM of a rehearsal."""

_BYTES_PER_PAGE = 1024 * 1024


def growing_collections(stage: Rehearsal, seed: int) -> list[Figure]:
    """Subjects of ten to ten thousand facts, each read once: a Query has pages of a megabyte."""
    services = stage.services
    asked, least, told = 0, 0, []
    for size in SIZES:
        number, random = _STRANGERS + size, Random(seed)  # noqa: S311 - repeatable
        ref, facts = made.ref(number), made.lead(number, random, size)
        services.store.save(_first_save(ref, facts))
        with metered(services) as meter:
            services.store.load(ref)
        megabytes = sum(map(_bytes, facts)) / _BYTES_PER_PAGE
        asked += meter.requests.total()
        least += ceil(megabytes)
        told.append(f"{size:,} facts {meter.requests.total()} for {megabytes:.1f} MB")
    name = "DynamoDB requests to read a subject, against one per MB"
    return [Figure(name, asked / least, "×", 1.0, ", ".join(told))]


def _bytes(fact: Fact) -> int:
    """Of its item, about: names and values of ref, sort key, fact and time."""
    texts = (str(fact.subject), fact.key, canonical(fact.to_json()), iso(fact.version))
    return sum(len(text.encode()) for text in texts) + len("refskfactas_of")


def _first_save(ref: Ref, facts: FactSet) -> Save:
    return Save(
        ref=ref,
        base_version=0,
        facts=tuple(facts),
        body={},
        outgoing={},
        settled=True,
        doubt_until=None,
        due_at=None,
        next_change_at=None,
        history=None,
        at=made.NOW,
    )
