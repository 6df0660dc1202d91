"""Channels, by which Zoho rings: one for each module that is read, and each ends after a week.

One that ended is silent, and nobody is told. The expiry that an answer gives is the only sign of
one that Zoho made shorter than it was asked for, which it does without a word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.core.connector import Change, Connection, Secret
from chalicelib.core.facts import parse_instant
from chalicelib.core.model import Kind
from chalicelib.core.policy import Attribute
from connectors._http import Refused
from connectors._values import instant
from connectors.zoho.answers import code, details, failed, message, outcomes
from connectors.zoho.api import ZohoApi
from connectors.zoho.records import MODULES, inputs_of
from connectors.zoho.reference_data import Modules
from connectors.zoho.signature import address, token

LIVES = timedelta(days=7) - timedelta(minutes=5)
"""A channel that is to live for longer than seven days lives for one hour."""

RENEW_AT = timedelta(days=6)
"""Left of its life: so it is renewed daily."""

SHORTENED = timedelta(minutes=10)
"""By more than this, an expiry is not the one that was asked for."""

MOST_CONDITIONS = 10
"""Fields that a condition may name; a module with more inputs rings for all of its fields."""

NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
_TAKEN = frozenset({"DUPLICATE_DATA", "ALREADY_SUBSCRIBED"})


@dataclass(frozen=True, slots=True)
class Channels:
    """Those of one connection."""

    api: ZohoApi
    modules: Modules
    connection: Connection
    secret: Secret
    kinds: Sequence[Kind]
    attributes: Sequence[Attribute]

    def keep(self, now: datetime) -> tuple[Change, ...]:
        """Make what is lost and renew what is about to end; one call where nothing is."""
        held = {str(one["channel_id"]): one for one in self.api.channels()}
        due = [kind for kind in self.kinds if self._is_due(held.get(self._id(kind)), kind, now)]
        there = [kind for kind in due if self.modules.optional(MODULES[kind])]
        if not there:
            return ()
        conditions = self._conditions(there)
        wanted = {kind: self._definition(kind, conditions[kind], now) for kind in there}
        lost = [kind for kind in there if self._id(kind) not in held]
        living = [kind for kind in there if kind not in lost]
        return (*self._renew(living, wanted), *self._open(lost, wanted))

    def close(self) -> None:
        ids = [self._id(kind) for kind in self.kinds]
        held = {str(one["channel_id"]) for one in self.api.channels()}
        if ours := [one for one in ids if one in held]:
            self.api.close_channels(ours)

    def _renew(
        self, kinds: Sequence[Kind], wanted: Mapping[Kind, Mapping[str, Any]]
    ) -> Iterator[Change]:
        """One that has ended since it was listed is opened anew."""
        told = self._outcomes(kinds, wanted, renews=True)
        ended = [kind for kind in kinds if code(told.get(kind)) == NOT_SUBSCRIBED]
        yield from _changes("extend", [one for one in kinds if one not in ended], told, wanted)
        yield from self._open(ended, wanted)

    def _open(
        self, kinds: Sequence[Kind], wanted: Mapping[Kind, Mapping[str, Any]]
    ) -> Iterator[Change]:
        """One that is there all the same, though not listed yet, is replaced."""
        told = self._outcomes(kinds, wanted, renews=False)
        taken = [kind for kind in kinds if code(told.get(kind)) in _TAKEN]
        yield from _changes("create", [one for one in kinds if one not in taken], told, wanted)
        again = self._outcomes(taken, wanted, renews=True)
        yield from _changes("extend", taken, again, wanted)

    def _outcomes(
        self, kinds: Sequence[Kind], wanted: Mapping[Kind, Mapping[str, Any]], *, renews: bool
    ) -> Mapping[Kind, Mapping[str, Any]]:
        if not kinds:
            return {}
        ask = self.api.replace_channels if renews else self.api.open_channels
        try:
            body = ask([wanted[kind] for kind in kinds])
        except Refused as refused:
            body = refused.body
            if not outcomes(body, "watch"):
                raise
        return dict(zip(kinds, outcomes(body, "watch"), strict=False))

    def _id(self, kind: Kind) -> str:
        return channel_id(self.secret.url, MODULES[kind])

    def _is_due(self, held: Mapping[str, Any] | None, kind: Kind, now: datetime) -> bool:
        if held is None or _expiry(held) < now + RENEW_AT:
            return True
        is_elsewhere = held.get("notify_url") != address(self.secret)
        is_other = held.get("token") not in (None, token(self.secret.webhook_secrets[0]))
        rings_for = sorted(held.get("events") or ()) != sorted(_events(MODULES[kind]))
        return is_elsewhere or is_other or rings_for or self._listens_elsewhere(held, kind)

    def _listens_elsewhere(self, held: Mapping[str, Any], kind: Kind) -> bool:
        """Whether its condition names a field that is no input, or lacks one that there is.

        A field that the module does not have is missing in every condition, so one that names a
        part of the inputs alone is looked at more closely.
        """
        condition = held.get("notification_condition")
        if not condition:
            return False
        named = set(_names(condition))
        inputs = set(inputs_of(kind, self.attributes))
        return bool(named - inputs) or bool(inputs - named and named != set(self._watched(kind)))

    def _watched(self, kind: Kind) -> tuple[str, ...]:
        return self.modules.there(MODULES[kind], inputs_of(kind, self.attributes))

    def _definition(
        self, kind: Kind, condition: list[Mapping[str, Any]], now: datetime
    ) -> Mapping[str, Any]:
        return {
            "channel_id": self._id(kind),
            "events": _events(MODULES[kind]),
            "channel_expiry": (now + LIVES).isoformat(timespec="seconds"),
            "token": token(self.secret.webhook_secrets[0]),
            "notify_url": address(self.secret),
            # Or a contact's change would ring for its account as well.
            "notify_on_related_action": False,
            **({"notification_condition": condition} if condition else {}),
        }

    def _conditions(self, kinds: Iterable[Kind]) -> Mapping[Kind, list[Mapping[str, Any]]]:
        watched = {kind: self._watched(kind) for kind in kinds}
        few = {kind: names for kind, names in watched.items() if 0 < len(names) <= MOST_CONDITIONS}
        ids = {row["api_name"]: row["id"] for row in self.api.modules()} if few else {}
        found: dict[Kind, list[Mapping[str, Any]]] = {kind: [] for kind in watched}
        for kind, names in few.items():
            fields = self.modules.fields(MODULES[kind])
            leaves = [{"field": {"api_name": one, "id": fields[one]["id"]}} for one in names]
            module = {"api_name": MODULES[kind], "id": ids[MODULES[kind]]}
            found[kind] = [
                {"type": "field_selection", "module": module, "field_selection": either(leaves)}
            ]
        return found


def channel_id(url: str, module: str) -> str:
    """A number of our own, the same whoever subscribes: a positive one of 63 bits.

    Of the connection's address, since two installations may call one organisation alike, and
    neither must take the channels of the other for its own that were led astray.
    """
    digest = hashlib.sha256(f"{url}/{module}".encode()).digest()
    return str((int.from_bytes(digest[:8]) >> 1) or 1)


def either(leaves: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Any of several fields. No group may have more than two members.

    >>> either([{"field": "a"}, {"field": "b"}, {"field": "c"}])["group"][1]["group"]
    [{'field': 'b'}, {'field': 'c'}]
    """
    first, *others = leaves
    return {"group_operator": "or", "group": [first, either(others)]} if others else first


def _events(module: str) -> list[str]:
    return [f"{module}.{operation}" for operation in ("create", "edit", "delete")]


def _expiry(channel: Mapping[str, Any]) -> datetime:
    return parse_instant(instant(str(channel.get("channel_expiry"))) or "1970-01-01T00:00:00Z")


def _names(condition: Any) -> Iterator[str]:
    """All fields that a condition names, however deep."""
    if isinstance(condition, list):
        for one in condition:
            yield from _names(one)
    elif isinstance(condition, dict):
        field = condition.get("field")
        if isinstance(field, dict) and field.get("api_name"):
            yield str(field["api_name"])
        yield from _names(condition.get("field_selection"))
        yield from _names(condition.get("group"))


def _changes(
    action: str,
    kinds: Iterable[Kind],
    told: Mapping[Kind, Mapping[str, Any]],
    wanted: Mapping[Kind, Mapping[str, Any]],
) -> Iterator[Change]:
    for kind in kinds:
        target = f"channel {MODULES[kind]}"
        outcome = told.get(kind, {})
        if failed(outcome):
            yield Change("conflict", target, message(outcome))
            continue
        expiry = _told_expiry(outcome)
        asked = parse_instant(str(wanted[kind]["channel_expiry"]))
        is_short = expiry is not None and expiry < asked - SHORTENED
        yield Change("conflict" if is_short else action, target, _until(expiry or asked))


def _until(expiry: datetime) -> str:
    return f"until {expiry.isoformat(timespec='minutes')}"


def _told_expiry(outcome: Mapping[str, Any]) -> datetime | None:
    events = details(outcome).get("events") or ()
    told = [instant(str(one.get("channel_expiry"))) for one in events if isinstance(one, dict)]
    known = [parse_instant(one) for one in told if one]
    return min(known) if known else None
