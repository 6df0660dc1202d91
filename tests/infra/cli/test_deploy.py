"""The command around a deployment; ``tests/infra/test_deploy.py`` has the real thing."""

from dataclasses import dataclass, field

import pytest

from infra import deploy
from infra.deploy import DeploymentError, Plan, ResourceChange, ResourceEvent
from infra.package import Package, PackagingError

CHANGES = (ResourceChange("Add", "IntakeQueue", "AWS::SQS::Queue", replaced=False),)


@dataclass
class Cloud:
    """Notes what the command asked of CloudFormation."""

    changes: tuple = CHANGES
    parameters: dict = field(default_factory=dict)
    done: list = field(default_factory=list)
    error: Exception | None = None

    def plan(self, _package, stage, parameters):
        self.parameters = dict(parameters)
        return Plan(f"emtiaz-{stage}", "change-set", creates=True, changes=self.changes)

    def carry_out(self, _plan):
        self.done.append("carried out")
        yield ResourceEvent("1", "IntakeQueue", "AWS::SQS::Queue", "CREATE_COMPLETE", "")
        if self.error:
            raise self.error

    def discard(self, _plan):
        self.done.append("discarded")

    def outputs(self, _stage):
        return {"RestAPIId": "abc"}

    def webhook_url(self, _outputs, connection):
        return f"https://emtiaz.example/hooks/{connection}"


@pytest.fixture
def cloud(monkeypatch, tmp_path):
    cloud = Cloud()
    for name in ("plan", "carry_out", "discard", "outputs", "webhook_url"):
        monkeypatch.setattr(deploy, name, getattr(cloud, name))
    monkeypatch.setattr("infra.cli.deploy.build", lambda: Package(tmp_path, tmp_path))
    return cloud


def test_a_deployment_tells_what_happens_and_what_comes_next(emtiaz, cloud):
    outcome = emtiaz("deploy", "--yes", "--alarm-email", "ops@example.com")
    assert outcome.code == 0
    assert cloud.done == ["carried out"]
    assert cloud.parameters == {"AlarmEmail": "ops@example.com"}
    assert "CREATE_COMPLETE" in outcome.err
    assert "https://emtiaz.example/hooks/" in outcome.out


def test_a_sandbox_is_only_what_was_asked_for(emtiaz, cloud):
    emtiaz("deploy", "--yes")
    assert "Sandbox" not in cloud.parameters
    emtiaz("deploy", "--yes", "--sandbox")
    assert cloud.parameters == deploy.SANDBOX


def test_a_dry_run_shows_the_changes_and_makes_none(emtiaz, cloud):
    outcome = emtiaz("deploy", "--dry-run")
    assert cloud.done == ["discarded"]
    assert "Add      IntakeQueue AWS::SQS::Queue" in outcome.err
    assert outcome.out == ""
    changes = emtiaz("deploy", "--dry-run", "--json").json["changes"]
    assert "IntakeQueue" in {change["resource"] for change in changes}


def test_a_no_leaves_nothing_behind(emtiaz, cloud):
    assert emtiaz("deploy").code == 4
    assert cloud.done == ["discarded"]


def test_a_stage_without_changes_is_left_alone(emtiaz, cloud):
    cloud.changes = ()
    outcome = emtiaz("deploy", "--json")
    assert cloud.done == []
    assert "up to date" in outcome.err
    assert outcome.json["webhooks"] == "https://emtiaz.example/hooks/"


def test_a_failed_deployment_is_refused_with_its_reason(emtiaz, cloud):
    cloud.error = DeploymentError("the stack ended as ROLLBACK_COMPLETE")
    outcome = emtiaz("deploy", "--yes")
    assert outcome.code == 4
    assert outcome.err.splitlines()[-1] == "the stack ended as ROLLBACK_COMPLETE"


def test_a_package_that_cannot_be_built_is_a_finding(emtiaz, cloud, monkeypatch):
    def fail():
        raise PackagingError("the zip lacks the connectors")

    monkeypatch.setattr("infra.cli.deploy.build", fail)
    assert emtiaz("deploy").code == 1
