"""Connections, policies, models, parked deliveries and checkpoints in DynamoDB."""

from __future__ import annotations

import json
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, cast

from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.refusals import COLLISION, CONDITION_FAILED, codes, item_codes, translating
from chalicelib.adapters.tables import SettingsItem, connection_of, in_table
from chalicelib.core.api_keys import ApiKey
from chalicelib.core.connector import Connection
from chalicelib.core.editions import Publication
from chalicelib.core.errors import ConfigurationError, Conflict, Retryable
from chalicelib.core.facts import canonical
from chalicelib.core.model import Json
from chalicelib.core.policy import NOTHING_FITTED, FittedModels
from chalicelib.core.ports import LiveSettings, ParkedItem

BODIES_KEPT = 64

PUBLISHING_ATTEMPTS = 20
"""Races for the next number of a connection's history; each is won by somebody."""

PARKED_FOR = timedelta(days=30)

# DynamoDB takes items of 400 KB, names included, where a queue takes messages of 1 MiB.
PARKED_BYTES = 390_000

# Connections are listed by a Query of one partition; no connection's id begins with "#".
DIRECTORY = "#connections"
INSTALLATION = "#installation"
SALT = "SALT"
SALT_BYTES = 32
POLICY = "POLICY#"
MODELS = "MODELS#"
PUBLISHED = "PUBLISHED#"
PARKED = "PARKED#"
CHECKPOINT = "CHECKPOINT#"
API_KEY = "KEY#"


class DynamoSettingsStore:
    """``endpoint`` is for tests."""

    def __init__(self, table: str, *, endpoint: str | None = None) -> None:
        self.item = in_table(SettingsItem, table, endpoint)
        self._bodies: OrderedDict[tuple[str, str], Mapping[str, Json]] = OrderedDict()
        self._salt = b""

    def connections(self) -> tuple[Connection, ...]:
        with translating():
            rows = self.item.query(DIRECTORY, consistent_read=True)
            return tuple(Connection(**row.data) for row in rows)

    def live(self, connection: str) -> LiveSettings:
        # What is live is asked every time, or workers would score by different policies for
        # as long as they may remember. What a version says never changes and is remembered.
        with translating():
            entry = self._entry(connection)
            policy = self._body(connection, POLICY, entry.live_policy)
            models = self._body(connection, MODELS, entry.live_models)
        if policy is None:
            raise ConfigurationError(f"{connection} has no policy; publish one first")
        fitted = FittedModels(entry.live_models, cast(Any, models)) if models else NOTHING_FITTED
        return LiveSettings(
            Connection(**entry.data),
            policy,
            fitted,
            entry.paused_until,
            entry.pause_reason or "",
            int(entry.revision or 0),
        )

    def put_connection(self, connection: Connection) -> None:
        entry = self.item(DIRECTORY, connection.id)
        with translating():
            entry.update([self.item.data.set(asdict(connection))])

    def publish_policy(
        self,
        connection: str,
        version: str,
        page: Mapping[str, Json],
        now: datetime,
        *,
        by: str = "",
        note: str = "",
        over: str | None = None,
    ) -> Publication:
        row = self.item(connection, POLICY + version, data=dict(page), published_at=now)
        wanted = Publication(0, "policy", version, now, by=by, note=note)
        return self._publish(row, wanted, over)

    def publish_models(
        self, connection: str, models: FittedModels, now: datetime, *, over: str | None = None
    ) -> Publication:
        parameters = dict(models.parameters)
        row = self.item(connection, MODELS + models.version, data=parameters, published_at=now)
        return self._publish(row, Publication(0, "models", models.version, now), over)

    def policy(self, connection: str, version: str) -> Mapping[str, Json]:
        with translating():
            try:
                body = self._body(connection, POLICY, version)
            except self.item.DoesNotExist:
                body = None
        if body is None:
            raise ConfigurationError(f"{connection} never had a policy {version}")
        return body

    def publications(self, connection: str) -> tuple[Publication, ...]:
        entries = self.item.sk.startswith(PUBLISHED)
        with translating():
            rows = self.item.query(
                connection, entries, consistent_read=True, scan_index_forward=False
            )
            return tuple(Publication.from_json(row.data) for row in rows)

    def put_api_key(self, connection: str, key: ApiKey) -> None:
        with translating():
            self._entry(connection)
            self.item(connection, API_KEY + key.id, data=key.to_json()).save()

    def api_key(self, connection: str, identity: str) -> ApiKey | None:
        with translating():
            try:
                row = self.item.get(connection, API_KEY + identity, consistent_read=True)
            except self.item.DoesNotExist:
                return None
        return ApiKey.from_json(row.data)

    def api_keys(self, connection: str) -> tuple[ApiKey, ...]:
        with translating():
            rows = list(self.item.query(connection, self.item.sk.startswith(API_KEY)))
        keys = (ApiKey.from_json(row.data) for row in rows)
        return tuple(sorted(keys, key=lambda key: (key.created_at, key.id)))

    def pause(self, connection: str, until: datetime, reason: str) -> None:
        held, data = self.item.paused_until, self.item.data
        pause = [held.set(until), self.item.pause_reason.set(reason)]
        is_longer = data.exists() & (held.does_not_exist() | (held < until))
        self._update_entry(connection, pause, is_longer)

    def claim_probe(self, connection: str, paused_until: datetime, until: datetime) -> bool:
        held = self.item.paused_until
        return self._update_entry(connection, [held.set(until)], held == paused_until)

    def resume(self, connection: str) -> None:
        pause = [self.item.paused_until.remove(), self.item.pause_reason.remove()]
        self._update_entry(connection, pause, self.item.data.exists())

    def tombstone_salt(self) -> bytes:
        """32 bytes, made on first use and the same for the whole installation ever after."""
        if not self._salt:
            # Whoever only ever looks for people need not be allowed to write.
            with translating():
                try:
                    row = self.item.get(INSTALLATION, SALT, consistent_read=True)
                except self.item.DoesNotExist:
                    row = self._salted()
            self._salt = bytes.fromhex(row.data)
        return self._salt

    def _salted(self) -> SettingsItem:
        row, salt = self.item(INSTALLATION, SALT), self.item.data
        row.update([salt.set(salt | secrets.token_hex(SALT_BYTES))])  # unless it is there
        return row

    def park(self, item: ParkedItem) -> None:
        """Raises ``Retryable`` for a message too large to keep; dead letters hold it then."""
        message = zlib.compress(canonical(item.message).encode())
        if len(message) > PARKED_BYTES:
            raise Retryable(f"{item.connection}: {len(message)} bytes are too many to park")
        row = self.item(
            item.connection,
            PARKED + item.id,
            reason=item.reason,
            message=message,
            parked_at=item.parked_at,
            expires_at=item.parked_at + PARKED_FOR,
        )
        with translating():
            row.save()

    def parked(self, connection: str) -> tuple[ParkedItem, ...]:
        with translating():
            rows = self.item.query(connection, self.item.sk.startswith(PARKED))
            return tuple(
                sorted(map(_parked_item, rows), key=lambda item: (item.parked_at, item.id))
            )

    def unpark(self, item: ParkedItem) -> None:
        with translating():
            self.item(item.connection, PARKED + item.id).delete()

    def checkpoint(self, connection: str, name: str) -> Mapping[str, Json] | None:
        with translating():
            try:
                row = self.item.get(connection, CHECKPOINT + name, consistent_read=True)
            except self.item.DoesNotExist:
                return None
        return cast(Mapping[str, Json], row.data)

    def set_checkpoint(self, connection: str, name: str, state: Mapping[str, Json] | None) -> None:
        row = self.item(connection, CHECKPOINT + name)
        with translating():
            if state is None:
                row.delete()
            else:
                row.data = dict(state)
                row.save()

    def move_checkpoint(
        self,
        connection: str,
        name: str,
        held: Mapping[str, Json] | None,
        state: Mapping[str, Json],
    ) -> bool:
        data = self.item.data
        is_still: Condition = data.does_not_exist() if held is None else data == dict(held)
        row = self.item(connection, CHECKPOINT + name, data=dict(state))
        with translating():
            try:
                row.save(condition=is_still)
            except PutError as error:
                if not codes(error) & CONDITION_FAILED:
                    raise
                return False
        return True

    def _body(self, connection: str, kind: str, version: str | None) -> Mapping[str, Json] | None:
        """Of a policy or models; None if nothing is live."""
        if version is None:
            return None
        key = (connection, kind + version)
        if key not in self._bodies:
            self._bodies[key] = self.item.get(*key, consistent_read=True).data
        self._bodies.move_to_end(key)
        if len(self._bodies) > BODIES_KEPT:
            self._bodies.popitem(last=False)
        return self._bodies[key]

    def _update_entry(
        self, connection: str, actions: Sequence[Action], condition: Condition
    ) -> bool:
        """Whether the condition held."""
        with translating():
            try:
                self.item(DIRECTORY, connection).update(list(actions), condition=condition)
            except UpdateError as error:
                if not codes(error) & CONDITION_FAILED:
                    raise
                return False
        return True

    def _entry(self, connection: str) -> SettingsItem:
        try:
            return self.item.get(DIRECTORY, connection, consistent_read=True)
        except self.item.DoesNotExist:
            raise ConfigurationError(
                f"no connection {connection!r}; emtiaz status tells which there are"
            ) from None

    def _publish(self, row: SettingsItem, wanted: Publication, over: str | None) -> Publication:
        """Numbered by what is there, so that of two at once the later one sees the other's."""
        pointer = self.item.live_policy if wanted.what == "policy" else self.item.live_models
        for _ in range(PUBLISHING_ATTEMPTS):
            with translating():
                entry = self._entry(row.connection)
            live = pointer.attr_name and entry.attribute_values.get(pointer.attr_name)
            if over is not None and over != (live or NOTHING_FITTED.version):
                raise Conflict(f"{row.connection} has {live} in force by now, and not {over}")
            number = int(entry.revision or 0) + 1
            numbered = replace(wanted, number=number, replaced=live)
            if self._publish_next(row, numbered, pointer.set(wanted.version)):
                return numbered
        raise Conflict(f"{row.connection}: others kept publishing first")

    def _publish_next(self, row: SettingsItem, entry: Publication, point_to_it: Action) -> bool:
        """Whether nobody else has published as this number."""
        with translating():
            try:
                self._put_and_point(row, entry, point_to_it)
            except TransactWriteError as error:
                put, told, point = (*item_codes(error), "", "", "")[:3]
                if put in CONDITION_FAILED:
                    raise ConfigurationError(f"{row.sk} is there with other content") from error
                if {told, point} & {*CONDITION_FAILED, *COLLISION}:
                    return False
                raise
        return True

    def _put_and_point(self, row: SettingsItem, entry: Publication, point_to_it: Action) -> None:
        item = self.item
        told = item(row.connection, f"{PUBLISHED}{entry.number:08}", data=entry.to_json())
        connection = item(DIRECTORY, row.connection)
        is_next = item.revision.does_not_exist() | (item.revision == entry.number - 1)
        with TransactWrite(connection=connection_of(item)) as transaction:
            same = item.data.does_not_exist() | (item.data == row.data)
            transaction.save(row, condition=same)
            transaction.save(told, condition=item.sk.does_not_exist())
            actions = [point_to_it, item.revision.set(entry.number)]
            transaction.update(connection, actions, condition=item.data.exists() & is_next)


def _parked_item(row: SettingsItem) -> ParkedItem:
    return ParkedItem(
        id=row.sk.removeprefix(PARKED),
        connection=row.connection,
        reason=row.reason,
        message=json.loads(zlib.decompress(row.message)),
        parked_at=row.parked_at,
    )
