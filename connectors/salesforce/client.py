"""Reading and writing one organisation. The scored subjects are its contacts and its leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.core.connector import (
    Access,
    Account,
    Change,
    Connection,
    Errand,
    Page,
    Reading,
    Secret,
    Update,
)
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmStumbled,
    CrmUnavailable,
    EmtiazError,
    RateLimited,
    Retryable,
    WrittenInPart,
)
from chalicelib.core.model import SUBJECT_KINDS, Json, Kind, Language, Ref
from chalicelib.core.outputs import TOPICS, Fields, FieldValue, Output
from chalicelib.core.policy import Attribute
from connectors._http import Refused
from connectors._inputs import missing_inputs
from connectors.salesforce import changes, errands, orders, topics
from connectors.salesforce import owners as owner_writes
from connectors.salesforce.answers import UNSEEN, codes
from connectors.salesforce.api import BATCH, SalesforceApi, chunks
from connectors.salesforce.batch_write import ends_at, is_late, too_late
from connectors.salesforce.gaps import Gaps, write
from connectors.salesforce.ids import full
from connectors.salesforce.limits import SPENT_FOR
from connectors.salesforce.listing import Listing
from connectors.salesforce.lookup import LEFT, Person, has_left
from connectors.salesforce.objects import OBJECTS, ORDER, ORDER_ITEM
from connectors.salesforce.owned import field_name
from connectors.salesforce.person_accounts import accounts_of
from connectors.salesforce.provision import conflicts, in_fields
from connectors.salesforce.rates import CURRENCIES, ExchangeRates
from connectors.salesforce.records import (
    ACCOUNT,
    CRM,
    CURRENCY,
    ID,
    MODIFIED,
    PERSON_CONTACT,
    PERSONS,
    ROLES,
    Record,
    place_of,
)
from connectors.salesforce.relations import People, Relations
from connectors.salesforce.schema import Schema
from connectors.salesforce.soql import Query, among, count, in_nobodys_role, select
from connectors.salesforce.translate import Reader, Reference, currency_of
from connectors.salesforce.values import field_value, field_values

T = TypeVar("T")

_ORGANISATION = Query("SELECT Id, TimeZoneSidKey FROM Organization")
USERNAME = "Username"
_PARTS = frozenset({"Product2", ORDER_ITEM})
"""A line of an order changes the order's sum, and is not walked through itself."""


class SalesforceClient:
    """Implements ``CrmClient``, ``TakesErrands`` and ``CountsStrays``."""

    write_batch = BATCH

    def __init__(
        self,
        connection: Connection,
        secret: Secret,
        attributes: Sequence[Attribute],
        access: Access,
    ) -> None:
        self._connection = connection
        self._attributes = attributes
        self._now = access.now
        self._api = SalesforceApi(connection, secret, access)
        self._schema = Schema(self._api)
        self._gaps = Gaps(self._schema, access.now)
        self._relations = Relations(self._api, self._schema, attributes)
        self._rates = ExchangeRates(self._api, connection.currency)
        self._accounts: dict[str, str] = {}
        self._topics = topics.Topics(self._api, access.now)

    def account(self) -> Account:
        """In the corporate currency, where there are several. Raises CrmStumbled without any."""
        told = self._api.organisation()
        features, several = told["features"], bool(told["features"].get("multiCurrency"))
        wanted = [_ORGANISATION, CURRENCIES] if several else [_ORGANISATION]
        organisation, *currencies = self._api.queries(wanted)
        corporate = [one["IsoCode"] for rows in currencies for one in rows if one["IsCorporate"]]
        currency = next(iter(corporate), None) or features.get("defaultCurrencyIsoCode")
        if not currency:  # or every sum would be of a currency that there is not
            raise CrmStumbled("the organisation does not tell its currency")
        return Account(
            id=full(organisation[0][ID]),
            currency=str(currency),
            time_zone=str(organisation[0]["TimeZoneSidKey"]),
            details=self._user(str(told.get("userSettings", {}).get("userId", ""))),
        )

    def subjects(self, refs: Sequence[Ref]) -> Mapping[Ref, tuple[Ref, ...]]:
        """Persons move themselves; what belongs to contacts moves those, as far as it is read."""
        found: dict[Ref, tuple[Ref, ...]] = {}
        for kind, ids in _by_kind(refs).items():
            people = {} if kind in PERSONS else self._people_of(kind, ids)
            for identity in ids:
                ref = self._ref(kind, identity)
                led = tuple(self._ref("contact", one) for one in people.get(identity, ()))
                found[ref] = (ref,) if kind in PERSONS else led
        return found

    def fetch(self, subjects: Sequence[Ref], now: datetime, *, history: bool = False) -> Reading:  # noqa: ARG002 - Salesforce tells what was done in records, and never by past values
        asked: list[Person] = [(ref.kind, ref.id) for ref in subjects if ref.kind in PERSONS]
        people = self._seen_anew(lambda: self._relations.read(asked, now))
        reader = Reader(self._attributes, self._reference(people, now), self._relations.kinds, now)
        return Reading(
            facts={
                (subject := self._ref(*person)): reader.facts(person, people, subject)
                for person in people.found.people
            },
            gone=frozenset(self._ref(*one) for one in people.found.gone),
            moved={self._ref(*one): self._ref(*into) for one, into in people.found.moved.items()},
        )

    def list_subjects(self, cursor: str | None) -> Page:
        """``total`` comes with the first page only, since it costs a call."""
        self._spare_what_is_scarce()
        total = self._total() if cursor is None else None
        self._schema.look([OBJECTS[kind] for kind in PERSONS], self._now())
        seen = [kind for kind in PERSONS if self._schema.fields(OBJECTS[kind])]
        return Listing(self._api, self._connection.id, seen or PERSONS).page(cursor, total)

    def changed_since(self, since: datetime, cursor: str | None) -> Page:
        self._spare_what_is_scarce()
        return self._seen_anew(lambda: self._changed(since, cursor))

    def write(self, updates: Sequence[Update]) -> Mapping[Ref, EmtiazError]:
        ends = ends_at()
        found = self._write_fields(updates, ends)
        tags = {
            update.ref: _tags(value)
            for update in updates
            for name, value in update.fields.items()
            if name in TOPICS and isinstance(found.get(update.ref), WrittenInPart | None)
        }
        return _together(found, self._write_topics(tags, ends)) if tags else found

    def _write_fields(self, updates: Sequence[Update], ends: float) -> Mapping[Ref, EmtiazError]:
        values: dict[Kind, dict[str, dict[str, Json]]] = defaultdict(lambda: defaultdict(dict))
        for update in updates:
            if fields := field_values(update.fields):
                values[update.ref.kind][update.ref.id] |= fields
        return {
            self._ref(kind, identity): error
            for kind, of_kind in values.items()
            for identity, error in write(
                self._api, OBJECTS[kind], of_kind, self._gaps, ends, self._in_order(kind, of_kind)
            ).items()
        }

    def _write_topics(
        self, tags: Mapping[Ref, Sequence[str]], ends: float
    ) -> Mapping[Ref, EmtiazError]:
        if is_late(ends):
            late = too_late(ref.id for ref in tags)
            return {ref: late[ref.id] for ref in tags}
        refs = {record: ref for ref, record in self._with_topics(tags).items()}
        refused = self._topics.write({record: tags[ref] for record, ref in refs.items()}, ends)
        return {refs[record]: error for record, error in refused.items()}

    def _with_topics(self, refs: Iterable[Ref]) -> Mapping[Ref, str]:
        """The record that has the topics of each: of a person account it is the account."""
        self._schema.look(["Account"], self._now())
        people = [ref.id for ref in refs if ref.kind == "contact"]
        accounts: dict[str, str] = {}
        for some in chunks(people, BATCH):
            accounts |= accounts_of(self._api, self._schema, some)
        return {ref: accounts.get(ref.id, ref.id) for ref in refs}

    def assign(self, owners: Mapping[Ref, str]) -> Mapping[Ref, EmtiazError]:
        return {
            self._ref(kind, identity): error
            for kind, ids in _by_kind(owners).items()
            for identity, error in owner_writes.assign(
                self._api,
                OBJECTS[kind],
                {one: owners[self._ref(kind, one)] for one in ids},
            ).items()
        }

    def create_task(self, subject: Ref, errand: Errand) -> None:
        zone = self._connection.time_zone
        errands.create_task(self._api, subject.kind, subject.id, errand, zone)

    def create_note(self, subject: Ref, errand: Errand) -> None:
        errands.create_note(self._api, subject.kind, subject.id, errand)

    def shown(self, refs: Sequence[Ref], outputs: Sequence[Output]) -> Mapping[Ref, Fields]:
        if not refs:
            return {}
        return self._seen_anew(lambda: self._shown(refs, outputs))

    def plan(
        self,
        outputs: Sequence[Output],
        language: Language,  # noqa: ARG002 - labels are the project's
        kinds: Sequence[Kind] = ("contact",),
    ) -> tuple[Change, ...]:
        scored = [one for one in SUBJECT_KINDS if one in kinds or one in PERSONS]
        inputs = {place_of(one) for one in self._attributes if CRM in one.fields}
        self._schema.forget()
        self._schema.look(
            [*(OBJECTS[kind] for kind in scored), *(name for name, _ in inputs)], self._now()
        )
        hidden = [f"{name}.{field}" for name, field in inputs if not self._schema.has(name, field)]
        lacking = (*conflicts(self._schema, outputs, scored), *missing_inputs(hidden))
        return (*lacking, *self._topic_conflicts(outputs, scored))

    def _topic_conflicts(
        self, outputs: Sequence[Output], kinds: Sequence[Kind]
    ) -> tuple[Change, ...]:
        if TOPICS.isdisjoint(one.name for one in outputs):
            return ()
        self._schema.look(["Account"], self._now())
        persons = ["Account"] if self._schema.has("Account", PERSON_CONTACT) else []
        objects = dict.fromkeys([*(OBJECTS[kind] for kind in kinds), *persons])
        return tuple(topics.conflicts(self._api, list(objects)))

    def provision(
        self,
        outputs: Sequence[Output],  # noqa: ARG002
        language: Language,  # noqa: ARG002
        kinds: Sequence[Kind] = ("contact",),  # noqa: ARG002
    ) -> tuple[Change, ...]:
        """Nothing: what is missing is deployed by an admin."""
        return ()

    def stray_deals(self) -> int | None:
        self._schema.look(["Account", ROLES], self._now())
        persons = self._schema.has("Account", PERSON_CONTACT)
        try:
            return sum(self._api.counts([count("Opportunity", in_nobodys_role(persons=persons))]))
        except (Refused, Retryable):  # of millions, or where roles are hidden
            return None

    def _user(self, identity: str) -> Mapping[str, str]:
        """As whom we work; Outbound Messages are sent in the same name."""
        if not full(identity):
            return {}
        try:
            (rows,) = self._api.queries([select([ID, USERNAME], "User", among(ID, [identity]))])
        except (Refused, CredentialsInvalid):
            return {}
        return {"username": str(rows[0][USERNAME])} if rows else {}

    def _people_of(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return self._seen_anew(lambda: self._relations.people_of(kind, ids, self._now()))

    def _seen_anew(self, ask: Callable[[], T]) -> T:
        """Once more, by what is there now, where a field has gone since it was looked at."""
        try:
            return ask()
        except Refused as refused:
            if not UNSEEN & set(codes(refused.body)):
                raise
        self._schema.forget()
        return ask()

    def _shown(self, refs: Sequence[Ref], outputs: Sequence[Output]) -> Mapping[Ref, Fields]:
        by_kind = _by_kind(refs)
        self._schema.look([OBJECTS[kind] for kind in by_kind], self._now())
        found: dict[Ref, Fields] = {}
        for kind, ids in by_kind.items():
            wanted = [one for one in outputs if kind in one.kinds]
            for some in chunks(ids, BATCH):
                for row in self._shown_rows(kind, some, wanted):
                    found[self._ref(kind, full(row[ID]))] = _fields(row, in_fields(wanted, kind))
        return self._with_shown_topics(found, outputs)

    def _with_shown_topics(
        self, found: Mapping[Ref, Fields], outputs: Sequence[Output]
    ) -> Mapping[Ref, Fields]:
        asked = [one for one in outputs if one.name in TOPICS]
        if not asked or not found:
            return found
        records = self._with_topics(found)
        tags = self._topics.shown(sorted(set(records.values())))
        return {
            ref: {**fields, **{one.name: tags.get(records[ref]) for one in asked}}
            for ref, fields in found.items()
        }

    def _shown_rows(
        self, kind: Kind, ids: Sequence[str], outputs: Sequence[Output]
    ) -> list[Record]:
        """Of those that are there; the accounts of contacts are remembered."""
        name = OBJECTS[kind]
        names = self._schema.there(name, [field_name(one.name) for one in in_fields(outputs, kind)])
        account = [ACCOUNT] if kind == "contact" else []
        left = self._schema.there(name, LEFT) if kind == "lead" else []
        (rows,) = self._api.queries([select([ID, *account, *left, *names], name, among(ID, ids))])
        self._accounts |= {full(row[ID]): str(row.get(ACCOUNT) or "") for row in rows if account}
        return [row for row in rows if not has_left(row)]

    def _in_order(self, kind: Kind, values: Mapping[str, Any]) -> list[str]:
        """The contacts of an account beside each other where ``shown`` has told it: when they are
        written again. For the first time they go by id, as to ask would cost a call for each write;
        no two writes of ours are under way at a time, so that none waits for another's locks.
        """
        if kind != "contact":
            return sorted(values)
        return sorted(values, key=lambda one: (self._accounts.get(one, ""), one))

    def _reference(self, people: People, now: datetime) -> Reference:
        currency = self._connection.currency
        deals = people.every("Opportunity")
        items = people.every("OpportunityLineItem")
        sums = (*deals, *items, *people.every(ORDER), *people.every(ORDER_ITEM))
        foreign = {currency_of(one, currency) for one in sums if one.get(CURRENCY)}
        reference = Reference(
            currency=currency,
            zone=self._connection.time_zone,
            deals={full(one[ID]): one for one in deals},
        )
        if foreign <= {currency}:
            return reference
        rates = self._rates.rates(now)
        return Reference(currency, reference.zone, rates, reference.deals)

    def _changed(self, since: datetime, cursor: str | None) -> Page:
        self._schema.look(self._relations.objects, self._now())
        begun = changes.Position.from_text(cursor) if cursor else self._beginning(since)
        position = begun.among(self._is_there)
        walks = position.next
        pages = self._api.queries([self._walked(one) for one in walks])
        found = dict.fromkeys(
            ref
            for one, rows in zip(walks, pages, strict=True)
            for ref in changes.refs(one.object, rows, self._connection)
        )
        following = position.after(pages)
        return Page(tuple(found), following.to_text() if following else None)

    def _walked(self, walk: changes.Walk) -> Query:
        fields = self._schema.there(walk.object, walk.fields)
        ways = orders.ways(self._schema) if walk.object == ORDER else ()
        return walk.query([*fields, *ways], self._now())

    def _beginning(self, since: datetime) -> changes.Position:
        asked = [one for one in self._relations.objects if one not in _PARTS]
        walks = [changes.Walk(one, since) for one in asked if self._is_walked(one)]
        ending = [
            changes.Walk(one, since, by=by) for one, by in changes.ENDS.items() if one in asked
        ]
        return changes.Position((*walks, *ending))

    def _is_there(self, walk: changes.Walk) -> bool:
        is_timed = walk.by == MODIFIED or self._schema.has(walk.object, walk.by)
        return bool(self._schema.fields(walk.object)) and is_timed

    def _is_walked(self, name: str) -> bool:
        """A change of an account moves nobody's score under a policy that has nothing of it."""
        return name != "Account" or "account" in self._relations.kinds

    def _total(self) -> int | None:
        try:
            return sum(self._api.counts([count(OBJECTS[kind]) for kind in PERSONS]))
        except (Refused, CrmUnavailable):  # of millions, counting takes longer than a query may
            return None  # a progress bar can do without

    def _spare_what_is_scarce(self) -> None:
        """What can wait does, so that what people change is still scored."""
        if self._api.limits.is_scarce:
            raise RateLimited(
                "most of the organisation's API calls of 24 hours are spent",
                retry_after=SPENT_FOR.total_seconds(),
            )

    def _ref(self, kind: Kind, identity: str) -> Ref:
        return Ref(self._connection.id, kind, identity)


def _by_kind(refs: Iterable[Ref]) -> Mapping[Kind, list[str]]:
    ids: dict[Kind, list[str]] = defaultdict(list)
    for ref in refs:
        ids[ref.kind].append(ref.id)
    return ids


def _together(
    fields: Mapping[Ref, EmtiazError], topics: Mapping[Ref, EmtiazError]
) -> Mapping[Ref, EmtiazError]:
    """Topics are written of whom the fields were, though maybe not all of them."""
    found = {**fields, **topics}
    for ref, error in topics.items():
        held = fields.get(ref)
        if isinstance(held, WrittenInPart) and isinstance(error, WrittenInPart):
            found[ref] = WrittenInPart({**held.left_out, **error.left_out})
    return found


def _tags(value: FieldValue) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _fields(row: Record, outputs: Iterable[Output]) -> Fields:
    return {one.name: field_value(row.get(field_name(one.name)), one.type) for one in outputs}
