"""Notification channels: who asked to hear of what, until when, and under which condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.changes import Change
from infra.sandbox.zoho.errors import ApiError, invalid, missing
from infra.sandbox.zoho.instants import read, spell
from infra.sandbox.zoho.modules import ACCOUNTS, CONTACTS, MODULES, Module
from infra.sandbox.zoho.organisation import Organisation
from infra.sandbox.zoho.records import Record
from infra.sandbox.zoho.wire import spelled_value

LONGEST_LIFE = timedelta(days=7)
FALLBACK_LIFE = timedelta(hours=1)
TOKEN_LENGTH = 50
URL_LENGTH = 255
MOST_EVENTS = 50
MOST_FIELDS = 10
PER_GROUP = 2
_WORDS = {"insert": "create", "update": "edit", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Channel:
    """``events`` are as they were asked for: ``Contacts.edit``. ``fields`` None: any."""

    id: str
    url: str
    token: str
    events: tuple[str, ...]
    expires_at: datetime
    related: bool = True
    values: bool = False
    condition: tuple[Wire, ...] = ()
    fields: frozenset[str] | None = None

    def hears(self, module: Module, operation: str) -> bool:
        wanted = {f"{module.name}.{_WORDS[operation]}", f"{module.name}.all"}
        return not wanted.isdisjoint(self.events)


@dataclass(frozen=True, slots=True)
class Event:
    """One record in a callback to come."""

    number: int
    channel: Channel
    module: str
    operation: str
    record_id: str
    fields: tuple[str, ...]
    values: Wire


class Channels:
    def __init__(self, org: Organisation) -> None:
        self._org = org
        self._channels: dict[str, Channel] = {}
        self._numbers = count(1)
        self._lock = Lock()

    def live(self) -> Sequence[Channel]:
        now = self._org.now()
        with self._lock:
            return [one for one in self._channels.values() if one.expires_at > now]

    def keep(self, body: Wire) -> Channel:
        """A new one, or another definition of one. Raises ``ApiError``."""
        channel = self._read(body)
        with self._lock:
            self._channels[channel.id] = channel
        return channel

    def renew(self, body: Wire) -> Channel:
        """Of one that lives. Raises ``ApiError``."""
        self.get(str(body.get("channel_id")))
        return self.keep(body)

    def get(self, channel_id: str) -> Channel:
        """Raises ``ApiError``."""
        for one in self.live():
            if one.id == channel_id:
                return one
        raise ApiError(400, "NOT_SUBSCRIBED", "the channel is not subscribed")

    def drop(self, channel_id: str | None = None) -> None:
        """One, or all: they are gone without a word."""
        with self._lock:
            if channel_id is None:
                self._channels.clear()
            else:
                self._channels.pop(channel_id, None)

    def events(self, change: Change) -> Iterator[Event]:
        """What the living channels have to say of a change."""
        if change.by.source == "API" and not self._org.guesses.api_rings:
            return
        for channel in self.live():
            module = change.record.module
            if channel.hears(module, change.operation) and self._meets(channel, change):
                yield self._event(channel, change)
            if channel.related:
                yield from self._of_relatives(channel, change)

    def _meets(self, channel: Channel, change: Change) -> bool:
        if channel.fields is None or change.operation == "delete":
            return True
        if change.operation == "insert" and not self._org.guesses.conditions_bind_all:
            return True
        return not channel.fields.isdisjoint(change.fields)

    def _event(self, channel: Channel, change: Change) -> Event:
        record = change.record
        fields = change.fields if change.operation == "update" else ()
        values = self._values(record, change.fields) if channel.values else {}
        return Event(
            next(self._numbers), channel, record.module.name, change.operation, record.id,
            fields, values,
        )  # fmt: skip

    def _of_relatives(self, channel: Channel, change: Change) -> Iterator[Event]:
        """By default what a record belongs to rings too."""
        for module, lookup in ((ACCOUNTS, "Account_Name"), (CONTACTS, "Contact_Name")):
            parent = change.record.values.get(lookup)
            if change.record.module is not module and parent and channel.hears(module, "update"):
                yield Event(next(self._numbers), channel, module.name, "update", parent, (), {})

    def _values(self, record: Record, names: Sequence[str]) -> Wire:
        fields = self._org.schema.fields(record.module)
        found = {one: self._org.value(record, one) for one in names}
        return {one: spelled_value(self._org, fields[one], value) for one, value in found.items()}

    def _read(self, body: Wire) -> Channel:
        for name in ("channel_id", "events", "notify_url"):
            if not body.get(name):
                raise missing(name)
        channel_id, token = str(body["channel_id"]), body.get("token") or ""
        _refuse_unless(channel_id.lstrip("-").isdecimal(), "channel_id", expected_data_type="long")
        _refuse_unless(abs(int(channel_id)) < 2**63, "channel_id", expected_data_type="long")
        _refuse_unless(len(token) <= TOKEN_LENGTH, "token", maximum_length=TOKEN_LENGTH)
        url = body["notify_url"]
        _refuse_unless(len(url) <= URL_LENGTH, "notify_url", maximum_length=URL_LENGTH)
        events = _events(body["events"])
        condition = tuple(body.get("notification_condition") or ())
        return Channel(
            id=channel_id,
            url=url,
            token=token,
            events=events,
            expires_at=self._expiry(body.get("channel_expiry")),
            related=body.get("notify_on_related_action", True),
            values=body.get("return_affected_field_values", False),
            condition=condition,
            fields=self._condition(condition, events),
        )

    def _expiry(self, text: str | None) -> datetime:
        """What is absent or too late becomes an hour without a word."""
        now = self._org.now()
        try:
            asked = read(text) if text else now
        except ValueError as wrong:
            raise invalid("invalid data", api_name="channel_expiry") from wrong
        return asked if now < asked <= now + LONGEST_LIFE else now + FALLBACK_LIFE

    def _condition(self, condition: Sequence[Wire], events: Sequence[str]) -> frozenset[str] | None:
        if not condition:
            return None
        found: list[str] = []
        for one in condition:
            _refuse_unless(one.get("type") == "field_selection", "type")
            module = self._conditioned(one.get("module") or {}, events)
            selection = one.get("field_selection")
            if not isinstance(selection, dict):
                raise missing("field_selection")
            found += self._selected(module, selection)
        _refuse_unless(len(found) <= MOST_FIELDS, "field_selection", maximum_length=MOST_FIELDS)
        return frozenset(found)

    def _conditioned(self, named: Wire, events: Sequence[str]) -> Module:
        module = MODULES.get(str(named.get("api_name")))
        if module is None or module.id != named.get("id"):
            raise ApiError(400, "AMBIGUITY_DURING_PROCESSING", "module and id do not agree")
        _refuse_unless(any(one.startswith(f"{module.name}.") for one in events), "module")
        return module

    def _selected(self, module: Module, selection: Wire) -> list[str]:
        if "field" in selection:
            named = selection["field"]
            field = self._org.schema.find(module, str(named.get("api_name")))
            if field is None or field.id != named.get("id"):
                raise ApiError(400, "AMBIGUITY_DURING_PROCESSING", "field and id do not agree")
            return [field.name]
        group: Any = selection.get("group")
        is_pair = isinstance(group, list) and len(group) == PER_GROUP
        _refuse_unless(is_pair, "group", maximum_length=PER_GROUP)
        _refuse_unless(selection.get("group_operator") in ("and", "or"), "group_operator")
        return [name for one in group for name in self._selected(module, one)]


def resource(channel: Channel, module: Module, zone: str) -> Wire:
    """As answers name what a channel hears."""
    return {
        "channel_expiry": spell(channel.expires_at, zone),
        "resource_uri": f"https://www.zohoapis.com/crm/v8/{module.name}",
        "resource_id": module.id,
        "resource_name": module.name,
        "channel_id": channel.id,
    }


def _events(asked: Any) -> tuple[str, ...]:
    _refuse_unless(isinstance(asked, list), "events", expected_data_type="jsonarray")
    _refuse_unless(len(asked) <= MOST_EVENTS, "events", maximum_length=MOST_EVENTS)
    for one in asked:
        module, _, operation = str(one).partition(".")
        known = MODULES.get(module)
        if known is None or not known.watched or operation not in {*_WORDS.values(), "all"}:
            raise ApiError(400, "NOT_SUPPORTED", f"no such event: {one}", {"api_name": "events"})
    return tuple(asked)


def _refuse_unless(good: bool, name: str, **details: object) -> None:
    if not good:
        raise invalid("invalid data", api_name=name, **details)
