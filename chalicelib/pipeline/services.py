"""What the use cases are handed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.core.connector import Access, Connection, Connector, CrmClient, Secret
from chalicelib.core.model import crm_of

# Receive imports this module, and starts faster without what only the checker needs.
if TYPE_CHECKING:
    from chalicelib.core.policy import Attribute
    from chalicelib.core.ports import (
        Clock,
        LiveSettings,
        Queue,
        Secrets,
        SettingsStore,
        SubjectStore,
    )
    from chalicelib.loyalty.program import Programs

LoadConnector = Callable[[str], Connector]
"""Connector by the name of a CRM; raises ``UnknownConnection``."""

OpenAccess = Callable[[Connection], Access]
"""What this worker shares with the others of a connection."""


@dataclass(frozen=True, slots=True)
class Edge:
    """All that receive needs; building it must not import the tables."""

    load_connector: LoadConnector
    secrets: Secrets
    intake: Queue


Terms = tuple[Connection, Secret, "tuple[Attribute, ...]"]


@dataclass(frozen=True, slots=True)
class ConnectedClient:
    """A CRM client and the terms that it was connected on."""

    terms: Terms
    client: CrmClient


@dataclass(frozen=True, slots=True)
class Services:
    load_connector: LoadConnector
    store: SubjectStore
    settings: SettingsStore
    secrets: Secrets
    intake: Queue
    write_back: Queue
    announce: Queue
    clock: Clock
    open_access: OpenAccess
    clients: dict[str, ConnectedClient] = field(default_factory=dict)
    programs: dict[tuple[str, int], Programs] = field(default_factory=dict)

    def connector(self, connection: str) -> Connector:
        return self.load_connector(crm_of(connection))

    def record_id(self, connection: str) -> Callable[[str], str]:
        """How the connection's CRM spells the ids of records."""
        return self.connector(connection).record_id

    def is_rotated(self, connection: str) -> bool:
        """Whether the secret that a client was refused with has been replaced since."""
        held = self.clients.get(connection)
        return held is not None and self.secrets.get(connection, fresh=True) != held.terms[1]

    def client(self, live: LiveSettings, attributes: Sequence[Attribute] = ()) -> CrmClient:
        """The CRM of a connection; ``attributes`` are those that it will be asked for.

        One client serves a connection until its settings, secret or attributes change: it
        keeps its line open, and remembers what seldom changes, such as pipelines.
        """
        connection = live.connection
        terms = (connection, self.secrets.get(connection.id), tuple(attributes))
        held = self.clients.get(connection.id)
        if held is None or held.terms != terms:
            connector = self.load_connector(connection.crm)
            access = self.open_access(connection)
            held = ConnectedClient(terms, connector.connect(*terms, access))
            self.clients[connection.id] = held
        return held.client
