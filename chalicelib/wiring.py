"""The services of an installation on AWS, or on a local cloud that speaks its protocols."""

from __future__ import annotations

from chalicelib.adapters.clock import SandboxClock, SystemClock
from chalicelib.adapters.queue import SqsQueue
from chalicelib.adapters.secrets import SecretsManagerSecrets
from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.subject_store import DynamoSubjectStore
from chalicelib.pipeline.services import LoadConnector, Services
from chalicelib.settings import Settings


def aws_services(settings: Settings, load_connector: LoadConnector) -> Services:
    stored = DynamoSettingsStore(settings.settings_table)
    return Services(
        load_connector=load_connector,
        store=DynamoSubjectStore(settings.subjects_table, stored.tombstone_salt),
        settings=stored,
        secrets=SecretsManagerSecrets(settings.stage),
        intake=SqsQueue(settings.intake_url),
        write_back=SqsQueue(settings.write_back_url),
        clock=SandboxClock(stored) if settings.sandbox else SystemClock(),
    )
