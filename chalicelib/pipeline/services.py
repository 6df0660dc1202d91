"""What the use cases are handed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.core.connector import Connector, CrmClient
from chalicelib.core.policy import Attribute
from chalicelib.core.ports import Clock, LiveSettings, Queue, Secrets, SettingsStore, SubjectStore

LoadConnector = Callable[[str], Connector]
"""Connector by the name of a CRM; raises ``UnknownConnection``."""


@dataclass(frozen=True, slots=True)
class Edge:
    """All that receive needs; building it must not import the tables."""

    load_connector: LoadConnector
    secrets: Secrets
    intake: Queue


@dataclass(frozen=True, slots=True)
class Services:
    load_connector: LoadConnector
    store: SubjectStore
    settings: SettingsStore
    secrets: Secrets
    intake: Queue
    write_back: Queue
    clock: Clock

    def client(self, live: LiveSettings, attributes: Sequence[Attribute] = ()) -> CrmClient:
        """The CRM of a connection; ``attributes`` are those that it will be asked for."""
        connector = self.load_connector(live.connection.crm)
        secret = self.secrets.get(live.connection.id)
        return connector.connect(live.connection, secret, attributes)
