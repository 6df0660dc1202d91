"""A deployed stage, seen from the admin's machine with the admin's own AWS identity."""

from __future__ import annotations

from dataclasses import dataclass

import boto3

import connectors
from chalicelib.adapters.queue import SqsQueue
from chalicelib.adapters.secrets import SecretsManagerSecrets
from chalicelib.core.connector import Secret
from chalicelib.core.ports import Queue
from chalicelib.pipeline.services import Services
from chalicelib.settings import Settings
from chalicelib.wiring import aws_services
from infra import deploy


@dataclass(frozen=True, slots=True)
class Installation:
    stage: str
    outputs: deploy.Outputs

    @classmethod
    def find(cls, stage: str) -> Installation:
        """Raises NotDeployed."""
        return cls(stage, deploy.outputs(stage))

    @property
    def services(self) -> Services:
        settings = Settings(
            stage=self.stage,
            subjects_table=self.outputs["SubjectsTable"],
            settings_table=self.outputs["SettingsTable"],
            intake_url=self.outputs["IntakeQueueUrl"],
            write_back_url=self.outputs["WriteBackQueueUrl"],
            announce_url=self.outputs["AnnounceQueueUrl"],
        )
        return aws_services(settings, connectors.load)

    @property
    def who(self) -> str:
        """Who is signed in to AWS here, as the history of policies tells it."""
        return str(boto3.client("sts").get_caller_identity()["Arn"])

    def keep_secret(self, connection: str, secret: Secret) -> None:
        """Receive hears of it within a minute. Raises ``Retryable``."""
        SecretsManagerSecrets(self.stage).replace(connection, secret)

    def queue(self, output: str) -> Queue:
        return SqsQueue(self.outputs[output])

    def webhook_url(self, connection: str) -> str:
        return deploy.webhook_url(self.outputs, connection)
