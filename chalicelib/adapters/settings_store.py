"""Connections, policies, models, parked deliveries and checkpoints in DynamoDB."""

from __future__ import annotations

import json
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, cast

from pynamodb.exceptions import TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.refusals import CONDITION_FAILED, codes, item_codes, translating
from chalicelib.adapters.tables import SettingsItem, connection_of, in_table
from chalicelib.core.connector import Connection
from chalicelib.core.errors import ConfigurationError, Retryable
from chalicelib.core.facts import canonical
from chalicelib.core.model import Json
from chalicelib.core.policy import NOTHING_FITTED, FittedModels
from chalicelib.core.ports import LiveSettings, ParkedItem

BODIES_KEPT = 64
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
PARKED = "PARKED#"
CHECKPOINT = "CHECKPOINT#"


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
            Connection(**entry.data), policy, fitted, entry.paused_until, entry.pause_reason or ""
        )

    def put_connection(self, connection: Connection) -> None:
        entry = self.item(DIRECTORY, connection.id)
        with translating():
            entry.update([self.item.data.set(asdict(connection))])

    def publish_policy(
        self, connection: str, version: str, page: Mapping[str, Json], now: datetime
    ) -> None:
        """A version is immutable: ``ConfigurationError`` if it is there with another page."""
        row = self.item(connection, POLICY + version, data=dict(page), published_at=now)
        self._publish(row, self.item.live_policy.set(version))

    def publish_models(self, connection: str, models: FittedModels, now: datetime) -> None:
        """A version is immutable, as a policy's is."""
        parameters = dict(models.parameters)
        row = self.item(connection, MODELS + models.version, data=parameters, published_at=now)
        self._publish(row, self.item.live_models.set(models.version))

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
            row, salt = self.item(INSTALLATION, SALT), self.item.data
            with translating():
                row.update([salt.set(salt | secrets.token_hex(SALT_BYTES))])  # unless it is there
            self._salt = bytes.fromhex(row.data)
        return self._salt

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
            raise ConfigurationError(f"no connection {connection!r}") from None

    def _publish(self, row: SettingsItem, point_to_it: Action) -> None:
        with translating():
            try:
                self._put_and_point(row, point_to_it)
            except TransactWriteError as error:
                put, point = (*item_codes(error), "", "")[:2]
                if put in CONDITION_FAILED:
                    raise ConfigurationError(f"{row.sk} is there with other content") from error
                if point in CONDITION_FAILED:
                    raise ConfigurationError(f"no connection {row.connection!r}") from error
                raise

    def _put_and_point(self, row: SettingsItem, point_to_it: Action) -> None:
        data = self.item.data
        entry = self.item(DIRECTORY, row.connection)
        with TransactWrite(connection=connection_of(self.item)) as transaction:
            transaction.save(row, condition=data.does_not_exist() | (data == row.data))
            transaction.update(entry, [point_to_it], condition=data.exists())


def _parked_item(row: SettingsItem) -> ParkedItem:
    return ParkedItem(
        id=row.sk.removeprefix(PARKED),
        connection=row.connection,
        reason=row.reason,
        message=json.loads(zlib.decompress(row.message)),
        parked_at=row.parked_at,
    )
