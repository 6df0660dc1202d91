"""Whose points are asked for: a record by its id, or whoever it has become."""

from __future__ import annotations

from chalicelib.core.errors import Conflict, Rejected, Retryable
from chalicelib.core.model import Ref
from chalicelib.core.ports import SubjectStore
from chalicelib.core.stored import Collection, Leaving, StoredCard
from chalicelib.loyalty.member import MEMBERS
from chalicelib.pipeline.scorer import LONGEST_CHAIN, compiled
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.told_ids import told_ref
from chalicelib.scoring.identities import of_email, of_phone, oldest

MOVE_SECONDS = 5.0
"""A move that is under way is over by then, unless its worker died; then sweep ends it."""


class NoCustomer(Rejected):
    """Nobody knows them, they are erased or in the CRM's bin, or nobody gives them points."""

    status = 404

    def __init__(self) -> None:
        super().__init__("there is no such customer")


def named(connection: str, name: str, value: str, services: Services) -> Ref:
    """Whom an ``id``, ``email`` or ``phone`` means; of several who have it, always the same one.

    An id means a contact where it does not tell the kind. Raises ``NoCustomer``.
    """
    if name == "id":
        return _by_id(value, connection, services)
    region = compiled(services.settings.live(connection).policy).owing.region
    identity = of_email(value) if name == "email" else of_phone(value, region)
    owners = services.store.owners(connection, [identity])[identity] if identity else ()
    if not owners:
        raise NoCustomer
    return oldest(owners)


def _by_id(identity: str, connection: str, services: Services) -> Ref:
    try:
        return told_ref(identity, connection, services.record_id(connection))
    except ValueError:
        raise NoCustomer from None


def customer(ref: Ref, store: SubjectStore) -> Collection:
    """Of a living record that points can be given to, after all merges.

    Raises ``NoCustomer``; and ``Retryable`` in the middle of a merge, for what either record had is
    not with the survivor yet, or only a part of it: what was earned, and not what was redeemed.
    """
    if ref.kind not in MEMBERS:
        raise NoCustomer
    for _ in range(LONGEST_CHAIN):
        collection = store.load(ref)
        if collection.card.stub is None:
            _check_arrived(collection, store)
            return _living(collection)
        ref = _survivor(collection.card)
    raise Conflict(f"{ref}: merged in a circle")


def _living(collection: Collection) -> Collection:
    card = collection.card
    if not card.version or card.hidden or card.ref.kind not in MEMBERS:
        raise NoCustomer
    return collection


def _survivor(card: StoredCard) -> Ref:
    stub = card.stub
    if stub is None or stub.why is not Leaving.MERGED or stub.into is None:
        raise NoCustomer
    _check_left(card)
    return stub.into


def _check_arrived(collection: Collection, store: SubjectStore) -> None:
    """Whoever is merged has a stub before anything of theirs arrives."""
    for card in store.cards(collection.aliases):
        if card.stub and card.stub.why is Leaving.MERGED:
            _check_left(card)


def _check_left(stub: StoredCard) -> None:
    if stub.due_at is not None:
        raise Retryable("two records are being merged", retry_after=MOVE_SECONDS)
