import json
from dataclasses import dataclass, field

import pytest

from infra import cli
from infra.cli.installation import Installation
from tests.fakes.queue import InMemoryQueue
from tests.pipeline.conftest import Installation as Fakes

FAKE_OUTPUTS = (
    "IntakeQueueUrl",
    "IntakeDeadLettersUrl",
    "WriteBackQueueUrl",
    "WriteBackDeadLettersUrl",
    "AnnounceQueueUrl",
    "AnnounceDeadLettersUrl",
)


@dataclass
class FakeInstallation:
    """Stands where the command line looks for a deployed stage."""

    fakes: Fakes = field(default_factory=Fakes)
    stage: str = "test"
    who: str = "arn:aws:iam::123456789012:user/ada"
    outputs: dict = field(default_factory=lambda: {name: name for name in FAKE_OUTPUTS})
    dead: InMemoryQueue = field(default_factory=InMemoryQueue)

    @property
    def services(self):
        return self.fakes.services

    def keep_secret(self, connection, secret):
        self.fakes.secrets.secrets[connection] = secret

    def queue(self, output):
        queues = {"IntakeQueueUrl": self.fakes.intake, "WriteBackQueueUrl": self.fakes.ring}
        return queues.get(output, self.dead)

    def webhook_url(self, connection):
        return f"https://emtiaz.example/v1/hooks/{connection}"


@pytest.fixture
def installation(monkeypatch):
    fake = FakeInstallation()
    monkeypatch.setattr(Installation, "find", lambda _stage: fake)
    return fake


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def cells(self):
        return [line.split("\t") for line in self.out.splitlines()]


@pytest.fixture
def emtiaz(capsys):
    """Runs the command as a shell would, without a terminal."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(one) for one in arguments])
        captured = capsys.readouterr()
        return Outcome(ended.value.code or 0, captured.out, captured.err)

    return run
