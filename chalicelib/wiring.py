"""The services of an installation on AWS, or on a local cloud that speaks its protocols."""

from __future__ import annotations

from functools import partial

from chalicelib.adapters.access_store import DynamoAccessStore
from chalicelib.adapters.clock import SandboxClock, SystemClock
from chalicelib.adapters.outgoing import EventBridgeBus, SesMailer, SignedWebhooks
from chalicelib.adapters.queue import SqsQueue
from chalicelib.adapters.secrets import SecretsManagerSecrets
from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.subject_store import DynamoSubjectStore
from chalicelib.adapters.webhook_line import WebhookLine
from chalicelib.core.connector import Access, Connection
from chalicelib.pipeline.access import SharedAccess
from chalicelib.pipeline.services import LoadConnector, Services
from chalicelib.pipeline.ways import Ways
from chalicelib.settings import Settings


def aws_services(settings: Settings, load_connector: LoadConnector) -> Services:
    stored = DynamoSettingsStore(settings.settings_table)
    secrets = SecretsManagerSecrets(settings.stage)
    clock = SandboxClock(stored) if settings.sandbox else SystemClock()

    def open_access(connection: Connection) -> Access:
        return SharedAccess(
            connection.id,
            grants=secrets,
            state=DynamoAccessStore(stored.item),
            clock=clock,
            revoked=partial(stored.pause, connection.id),
        )

    return Services(
        load_connector=load_connector,
        store=DynamoSubjectStore(settings.subjects_table, stored.tombstone_salt),
        settings=stored,
        secrets=secrets,
        intake=SqsQueue(settings.intake_url),
        write_back=SqsQueue(settings.write_back_url),
        announce=SqsQueue(settings.announce_url),
        clock=clock,
        open_access=open_access,
    )


def aws_ways(settings: Settings) -> Ways:
    """What announcements leave by."""
    stored = DynamoSettingsStore(settings.settings_table)
    mailer = SesMailer(settings.email_from) if settings.email_from else None
    return Ways(
        outbox=DynamoSubjectStore(settings.subjects_table, stored.tombstone_salt),
        webhooks=SignedWebhooks(WebhookLine(loopback=settings.loopback_webhooks)),
        bus=EventBridgeBus(settings.event_bus),
        mailer=mailer,
        wall=SystemClock().now,
    )
