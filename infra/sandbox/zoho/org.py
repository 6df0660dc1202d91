"""Everything that can be done to the records of an organisation. Thread-safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.changes import Change, Operation
from infra.sandbox.zoho.errors import ApiError, invalid, missing
from infra.sandbox.zoho.instants import to_seconds
from infra.sandbox.zoho.modules import ACCOUNTS, CONTACTS, DEALS, LEADS, RELATED, Module
from infra.sandbox.zoho.organisation import IMPORT, Organisation
from infra.sandbox.zoho.records import Actor, Deletion, Record, Tag, Value
from infra.sandbox.zoho.settings import Settings
from infra.sandbox.zoho.values import taken

Listener = Callable[[Change], None]


class Org(Organisation):
    """Listeners hear every change in its order."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        super().__init__(settings, clock)
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def create(self, module: Module, body: Wire, by: Actor, *, workflows: bool = True) -> Record:
        with self.lock:
            record = self._insert(module, body, by, self.now())
            self._tell(record, "insert", by, tuple(record.values), workflows=workflows)
            self._touch_parents(record)
            return record

    def update(
        self, module: Module, record_id: str, body: Wire, by: Actor, *, workflows: bool = True
    ) -> Record:
        with self.lock:
            record = self.get(module, record_id)
            if record.held_back and by.source == "API":
                message = "the record is locked, or waits for approval"
                raise ApiError(400, record.held_back, message, {"id": record.id})
            values, at = self._taken(module, body), self.now()
            changed = record.write(self._completed(record, values), at, by)
            if "Owner" in body:
                changed += self._assign(record, self._owner(body), at, by)
            self._touch(record, at, by)
            self._tell(record, "update", by, changed, workflows=workflows)
            return record

    def delete(self, module: Module, record_id: str, by: Actor, *, for_good: bool = False) -> None:
        with self.lock:
            record = self.get(module, record_id)
            record.deletion = Deletion(self.now(), by, for_good)
            self._tell(record, "delete", by)

    def restore(self, module: Module, record_id: str, by: Actor) -> Record:
        """Out of the bin; it rings as an insertion."""
        with self.lock:
            record = self.get_deleted(module, record_id)
            record.deletion = None
            self._touch(record, self.now(), by)
            self._tell(record, "insert", by, tuple(record.values))
            return record

    def purge(self, module: Module, record_id: str, by: Actor) -> None:
        """For good, with the bin in between or without."""
        with self.lock:
            if self.find(module, record_id):
                self.delete(module, record_id, by, for_good=True)
            else:
                record = self.get_deleted(module, record_id)
                record.deletion = Deletion(self.now(), by, for_good=True)

    def merge(
        self, module: Module, survivor_id: str, loser_ids: Sequence[str], by: Actor
    ) -> Record:
        """Empty fields of the survivor are filled; what hangs on the losers moves; they are
        deleted for good, which is all that rings.
        """
        with self.lock:
            survivor = self.get(module, survivor_id)
            for loser in [self.get(module, one) for one in loser_ids]:
                if loser is survivor:
                    raise invalid("a record cannot be merged into itself")
                self._absorb(survivor, loser, by)
                self.delete(module, loser.id, by, for_good=True)
            self._touch(survivor, self.now(), by)
            return survivor

    def convert(self, lead_id: str, body: Wire, by: Actor) -> Mapping[str, Record]:
        """Into a contact, with an account if there is a company, and a deal if one is asked for."""
        with self.lock:
            lead = self.get(LEADS, lead_id)
            if lead.converted:
                raise invalid("the lead is already converted", api_name="id")
            made = self._converted(lead, body, by)
            at = self.now()
            links: dict[str, Value] = {"Converted__s": True, "Converted_Date_Time": at}
            links |= {f"Converted_{one.module.singular}": one.id for one in made.values()}
            changed = lead.write(links, at, by)
            self._hand_over(lead, made["Contacts"])
            self._touch(lead, at, by)
            self._tell(lead, "update", by, changed)
            return made

    def add_tags(
        self, module: Module, record_id: str, tags: Sequence[Tag], by: Actor, *, over_write: bool
    ) -> list[Tag]:
        """Returns those that found no place on the record."""
        with self.lock:
            record = self.get(module, record_id)
            before = list(record.tags)
            if over_write:
                record.tags.clear()
            left_out = self.palettes[module].add(record, tags)
            self._note_tags(record, before, by)
            return left_out

    def remove_tags(self, module: Module, record_id: str, tags: Sequence[Tag], by: Actor) -> None:
        with self.lock:
            record = self.get(module, record_id)
            before = list(record.tags)
            record.tags = [one for one in before if one not in tags]
            self._note_tags(record, before, by)

    def load(
        self, module: Module, body: Wire, created_at: datetime | None = None, **own: Any
    ) -> Record:
        """A record that was there before; nobody is told. ``own``: ``active_at``, ``id``."""
        with self.lock:
            at = to_seconds(created_at) if created_at else self.now()
            return self._insert(module, body, IMPORT, at, **own)

    def _insert(self, module: Module, body: Wire, by: Actor, at: datetime, **own: Any) -> Record:
        for name in module.required:
            if body.get(name) in (None, ""):
                raise missing(name)
        if body.get("What_Id") and not body.get("$se_module"):
            details = {"api_name": "$se_module"}
            raise ApiError(400, "DEPENDENT_FIELD_MISSING", "dependent field missing", details)
        values = self._taken(module, body)
        owner = self._owner(body) or by.user.id
        record = Record(module, own.get("id") or self.new_id(), at, by, at, by, at, owner)
        record.active_at = own.get("active_at") or at
        record.write(self._completed(record, values), at, by)
        self._add(record)
        return record

    def _taken(self, module: Module, body: Wire) -> dict[str, Value]:
        """Unknown fields and those that only Zoho writes are passed over without a word."""
        values: dict[str, Value] = {}
        for name, value in body.items():
            field = self.schema.find(module, name)
            if field is None and self.guesses.unknown_fields_refused:
                self.schema.get(module, name)
            if field and not field.read_only and field.name != "Owner":
                values[name] = taken(field, value, self)
        return values

    def _completed(self, record: Record, values: dict[str, Value]) -> dict[str, Value]:
        """With what follows from a stage, and the currency of sums."""
        if record.module is not DEALS:
            return values
        fields, held = self.schema.fields(DEALS), record.values
        if stage := values.get("Stage"):
            value = fields["Stage"].value_of(stage)
            values.setdefault("Probability", value.probability if value else None)
        code = values.get("Currency") or held.get("Currency") or self.settings.currency
        chance = values.get("Probability", held.get("Probability"))
        amount = values.get("Amount", held.get("Amount"))
        expected = None
        if amount is not None and chance is not None:
            expected = round(amount * chance / 100, 2)
        rate = float(self.rates[code])
        return values | {"Currency": code, "Exchange_Rate": rate, "Expected_Revenue": expected}

    def _owner(self, body: Wire) -> str:
        """The empty text where none is named."""
        if not body.get("Owner"):
            return ""
        found: str = taken(self.schema.fields(CONTACTS)["Owner"], body["Owner"], self)
        return found

    def _assign(self, record: Record, owner: str, at: datetime, by: Actor) -> tuple[str, ...]:
        if not owner or owner == record.owner:
            return ()
        record.owner = owner
        record.note("Owner", owner, at, by)
        return ("Owner",)

    def _touch(self, record: Record, at: datetime, by: Actor) -> None:
        record.modified_at, record.modified_by = at, by
        if self.guesses.edits_are_activity:
            record.active_at = max(at, record.active_at)

    def _touch_parents(self, record: Record) -> None:
        """What hangs on a record is activity there."""
        for name in ("Who_Id", "What_Id", "Parent_Id"):
            parent = self.find_anywhere(record.values.get(name) or "")
            if parent:
                parent.active_at = max(self.now(), parent.active_at)

    def _note_tags(self, record: Record, before: Sequence[Tag], by: Actor) -> None:
        if [*before] != record.tags:
            at = self.now()
            record.note("Tag", list(record.tags), at, by)
            self._touch(record, at, by)
            self._tell(record, "update", by, ("Tag",))

    def _absorb(self, survivor: Record, loser: Record, by: Actor) -> None:
        held = survivor.values
        fill = {n: v for n, v in loser.values.items() if v is not None and held.get(n) is None}
        survivor.write(fill, self.now(), by)
        self._hand_over(loser, survivor)

    def _hand_over(self, loser: Record, heir: Record) -> None:
        """What hangs on the one hangs on the other from now on; nobody is told."""
        for name, (_, lookup) in RELATED.get(loser.module, {}).items():
            for one in self.related(loser, name):
                link = lookup
                if heir.module is CONTACTS and lookup == "What_Id":
                    one.values[lookup], link = None, "Who_Id"
                one.values[link] = heir.id

    def _converted(self, lead: Record, body: Wire, by: Actor) -> dict[str, Record]:
        made: dict[str, Record] = {}
        company = lead.values.get("Company")
        if named := (body.get("Accounts") or {}).get("id"):
            made["Accounts"] = self.get(ACCOUNTS, named)
        elif company:
            made["Accounts"] = self.create(ACCOUNTS, _account_of(lead), by)
        account = {"Account_Name": {"id": made["Accounts"].id}} if made else {}
        if named := (body.get("Contacts") or {}).get("id"):
            made["Contacts"] = self.get(CONTACTS, named)
        else:
            made["Contacts"] = self.create(CONTACTS, _contact_of(lead) | account, by)
        if deal := body.get("Deals"):
            person = {"Contact_Name": {"id": made["Contacts"].id}}
            made["Deals"] = self.create(DEALS, deal | account | person, by)
        return made

    def _tell(
        self,
        record: Record,
        operation: Operation,
        by: Actor,
        fields: tuple[str, ...] = (),
        *,
        workflows: bool = True,
    ) -> None:
        if operation == "update" and not fields:
            return
        change = Change(record, operation, self.now(), by, fields, workflows)
        for listener in self._listeners:
            listener(change)


_SAME = (
    "First_Name", "Email", "Secondary_Email", "Phone", "Mobile", "Email_Opt_Out", "Lead_Source",
    "Salutation", "Description", "Last_Name",
)  # fmt: skip
_AS_CONTACT = {
    "Designation": "Title", "Street": "Mailing_Street", "City": "Mailing_City",
    "State": "Mailing_State", "Zip_Code": "Mailing_Zip", "Country": "Mailing_Country",
    **{name: name for name in _SAME},
}  # fmt: skip
_AS_ACCOUNT = {
    "Company": "Account_Name", "Industry": "Industry", "Annual_Revenue": "Annual_Revenue",
    "No_of_Employees": "Employees", "Website": "Website",
}  # fmt: skip


def _contact_of(lead: Record) -> Wire:
    """Custom fields stay behind: an admin has mapped none of them."""
    return _mapped(lead, _AS_CONTACT)


def _account_of(lead: Record) -> Wire:
    return _mapped(lead, _AS_ACCOUNT)


def _mapped(lead: Record, names: Mapping[str, str]) -> Wire:
    values = lead.values
    return {there: values[here] for here, there in names.items() if values.get(here) is not None}
