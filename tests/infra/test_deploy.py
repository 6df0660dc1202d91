"""The real package on the local cloud: deployed, called, and deployed again."""

import boto3
import pytest
import requests

from infra import deploy
from infra.deploy import SANDBOX, DeploymentError, NotDeployed
from infra.package import Package
from infra.sandbox.local_cloud import LocalCloud

pytestmark = pytest.mark.local_cloud


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        environment.setattr(deploy, "_POLL_SECONDS", 0.05)
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud, package):
    plan = deploy.plan(package, "rehearsal", SANDBOX)
    assert plan.creates
    assert {"SubjectsTable", "IntakeQueue", "RestAPI"} <= {one.resource for one in plan.changes}
    events = list(deploy.carry_out(plan))
    assert events[-1].status == "CREATE_COMPLETE"
    return deploy.outputs("rehearsal")


def test_a_deployed_stage_answers_over_http(outputs):
    hooks = deploy.webhook_url(outputs, "hubspot-main")
    health = hooks.replace("/hooks/hubspot-main", "/health")
    assert requests.get(health, timeout=30).json() == {"status": "ok"}
    answer = requests.post(hooks, json=[], timeout=30)
    assert answer.status_code == 404  # nothing is connected, and nothing fails


def test_the_functions_see_the_names_that_the_template_gave(outputs):
    name = outputs["APIHandlerName"]
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"]
    assert variables["EMTIAZ_STAGE"] == "rehearsal"
    assert variables["EMTIAZ_SANDBOX"] == "true"
    assert variables["EMTIAZ_SUBJECTS_TABLE"] == outputs["SubjectsTable"]
    assert variables["EMTIAZ_INTAKE_URL"] == outputs["IntakeQueueUrl"]


def test_deploying_the_same_again_changes_nothing(outputs, package):
    assert deploy.plan(package, "rehearsal", {}).changes == ()


def test_a_parameter_that_is_not_named_keeps_its_value(outputs, package):
    plan = deploy.plan(package, "rehearsal", {"LogRetentionDays": "7"})
    assert {change.action for change in plan.changes} == {"Modify"}
    assert not plan.creates
    list(deploy.carry_out(plan))
    stack = boto3.client("cloudformation").describe_stacks(StackName="emtiaz-rehearsal")
    values = {
        one["ParameterKey"]: one["ParameterValue"] for one in stack["Stacks"][0]["Parameters"]
    }
    assert values["LogRetentionDays"] == "7"
    assert values["Sandbox"] == "true"


def test_a_discarded_plan_leaves_nothing_behind(cloud, package):
    deploy.discard(deploy.plan(package, "perhaps", SANDBOX))
    with pytest.raises(NotDeployed, match="emtiaz deploy --stage perhaps"):
        deploy.outputs("perhaps")


def test_a_failed_deployment_is_told_with_its_reason_and_does_not_block_the_next(
    cloud, package, tmp_path
):
    template = package.template.read_text()
    wrong = tmp_path / "template.json"
    wrong.write_text(template.replace("1209600", "12096000"))
    with pytest.raises(DeploymentError, match=r"(?s)ROLLBACK_COMPLETE.*DeadLetters: .*1209600"):
        list(deploy.carry_out(deploy.plan(Package(wrong, package.code), "wrong", SANDBOX)))

    plan = deploy.plan(package, "wrong", SANDBOX)
    assert plan.creates
    list(deploy.carry_out(plan))
    assert deploy.outputs("wrong")["SettingsTable"] == "emtiaz-wrong-settings"
