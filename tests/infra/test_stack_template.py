import json
import re

import pytest

import app
from chalicelib.adapters import settings_store
from chalicelib.adapters.tables import CardsIndex, SettingsItem, SubjectItem
from infra import stack_template
from infra.package import PROJECT
from infra.stack_template import TemplateError

CONFIG = json.loads((PROJECT / ".chalice" / "config.json").read_text())
FUNCTIONS = CONFIG["stages"]["dev"]["lambda_functions"]


@pytest.fixture(scope="module")
def fragments():
    return stack_template.fragments()


@pytest.fixture(scope="module")
def template(package):
    return json.loads(package.template.read_text())


def policy(name):
    return json.loads((PROJECT / ".chalice" / f"policy-{name}.json").read_text())["Statement"]


def listed(action):
    return [action] if isinstance(action, str) else action


def actions(name):
    for statement in policy(name):
        yield from listed(statement["Action"])


def test_production_is_no_sandbox_and_keeps_its_tables(template):
    assert template["Parameters"]["Sandbox"]["Default"] == "false"
    assert template["Parameters"]["TableDeletionPolicy"]["Default"] == "Retain"
    for table in ("SubjectsTable", "SettingsTable"):
        assert template["Resources"][table]["DeletionPolicy"] == {"Ref": "TableDeletionPolicy"}


@pytest.mark.parametrize(
    ("parameter", "function"),
    [
        ("IntakeVisibilitySeconds", "process"),
        ("WriteBackVisibilitySeconds", "write_back"),
        ("AnnounceVisibilitySeconds", "announce"),
    ],
)
def test_a_message_stays_hidden_for_six_times_as_long_as_its_function_may_run(
    fragments, parameter, function
):
    assert (
        fragments["Parameters"][parameter]["Default"] == 6 * FUNCTIONS[function]["lambda_timeout"]
    )


@pytest.mark.parametrize("function", ["process", "write-back", "announce", "reconcile"])
def test_who_calls_the_crm_may_keep_what_its_workers_share(function):
    def allowed(resource):
        statements = [one for one in policy(function) if one["Resource"].endswith(resource)]
        return {action for one in statements for action in listed(one["Action"])}

    assert allowed("${SettingsTable.Arn}") >= {"dynamodb:GetItem", "dynamodb:UpdateItem"}
    assert allowed(":secret:emtiaz/${Stage}/*") == {
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
    }


@pytest.mark.parametrize(
    ("queue", "tries"), [("IntakeQueue", 20), ("WriteBackQueue", 20), ("AnnounceQueue", 200)]
)
def test_a_message_gets_its_tries_and_its_remains_are_kept_two_weeks(fragments, queue, tries):
    resources = fragments["Resources"]
    redrive = resources[queue]["Properties"]["RedrivePolicy"]
    letters = resources[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]["Properties"]
    assert redrive["maxReceiveCount"] == tries
    assert letters["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert letters.get("FifoQueue") == resources[queue]["Properties"].get("FifoQueue")


@pytest.mark.parametrize(
    ("function", "queue"),
    [("Process", "IntakeQueue"), ("WriteBack", "WriteBackQueue"), ("Announce", "AnnounceQueue")],
)
def test_a_failed_message_comes_back_without_its_batch(template, function, queue):
    (source,) = template["Resources"][function]["Properties"]["Events"].values()
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["Properties"]["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}


@pytest.mark.parametrize(
    "function",
    ["APIHandler", "Process", "WriteBack", "Announce", "Sweep", "Reconcile", "Rescore", "Train"],
)
def test_every_function_has_a_role_and_a_log_group_of_its_own(template, function):
    functions = {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    mine = functions.pop(function)
    assert all(mine["Role"] != other["Role"] for other in functions.values())
    assert all(mine["LoggingConfig"] != other["LoggingConfig"] for other in functions.values())


def test_no_variable_is_left_in_a_plain_text(template):
    def plain(value):
        match value:
            case {"Fn::Sub": _}:
                return
            case dict():
                for member in value.values():
                    yield from plain(member)
            case list():
                for member in value:
                    yield from plain(member)
            case str() if "${" in value:
                yield value

    assert list(plain(template["Resources"])) == []


@pytest.mark.parametrize(
    "name", ["receive", "process", "write-back", "sweep", "reconcile", "rescore", "train"]
)
def test_no_function_may_do_everything(name):
    for statement in policy(name):
        assert statement["Effect"] == "Allow"
        assert statement["Resource"] != "*"
    assert not [action for action in actions(name) if "*" in action]


def test_each_function_may_do_what_it_does_and_no_more():
    rights = {name: set(actions(name)) for name in ("receive", "process", "write-back", "sweep")}
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert rights["receive"] == logs | {
        "secretsmanager:GetSecretValue",
        "sqs:SendMessage",
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:ConditionCheckItem",
    }
    assert rights["sweep"] == logs | {"dynamodb:Query", "dynamodb:GetItem", "sqs:SendMessage"}
    assert not [one for one in policy("rescore") if one["Resource"] == "${SubjectsTable.Arn}"]
    for name in ("write-back", "train"):
        (send,) = [one for one in policy(name) if one["Action"] == "sqs:SendMessage"]
        assert send["Resource"] == "${IntakeQueue.Arn}"  # and never to the write-back queue
    assert not [one for name in rights for one in rights[name] if one == "dynamodb:Scan"]
    deleting = {name for name in rights if "dynamodb:DeleteItem" in rights[name]}
    assert deleting == {"process"}  # of those who moved out


def test_who_answers_the_points_api_changes_no_policy_and_no_key():
    reads, salt = [one for one in policy("receive") if one["Resource"] == "${SettingsTable.Arn}"]
    assert set(reads["Action"]) == {"dynamodb:GetItem", "dynamodb:Query"}
    assert salt["Action"] == "dynamodb:UpdateItem"
    assert salt["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [settings_store.INSTALLATION]},
        "Null": {"dynamodb:LeadingKeys": "false"},  # or whoever names no key would pass
    }


def test_guesses_at_keys_are_throttled_more_than_everything_else(template):
    settings = template["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    rates = {
        (one["ResourcePath"], one["HttpMethod"]): one["ThrottlingRateLimit"] for one in settings
    }
    all_methods = rates.pop(("/*", "*"))
    routes = {
        ("/" + path.replace("/", "~1"), method)
        for path, methods in app.app.routes.items()
        for method in methods
        if path.startswith("/points/")
    }
    assert set(rates) == routes
    assert max(rates.values()) < all_methods


@pytest.mark.parametrize(
    ("resource", "model"), [("SubjectsTable", SubjectItem), ("SettingsTable", SettingsItem)]
)
def test_a_table_has_the_keys_that_the_adapters_use(fragments, resource, model):
    properties = fragments["Resources"][resource]["Properties"]
    keys = {key["KeyType"]: key["AttributeName"] for key in properties["KeySchema"]}
    hash_key, range_key = model._hash_key_attribute(), model._range_key_attribute()
    assert keys == {"HASH": hash_key.attr_name, "RANGE": range_key.attr_name}


def test_the_index_has_the_keys_and_the_projection_that_the_adapters_use(fragments):
    (index,) = fragments["Resources"]["SubjectsTable"]["Properties"]["GlobalSecondaryIndexes"]
    keys = [key["AttributeName"] for key in index["KeySchema"]]
    assert index["IndexName"] == CardsIndex.Meta.index_name
    assert keys == [CardsIndex.shard.attr_name, CardsIndex.due_at.attr_name]
    assert index["Projection"]["ProjectionType"] == "INCLUDE"
    assert index["Projection"]["NonKeyAttributes"] == CardsIndex.Meta.projection.non_key_attributes


def test_alarms_and_graphs_speak_of_commands_that_exist(template):
    from infra.cli import app

    groups = {group.typer_instance.info.name for group in app.registered_groups}
    told = re.findall(r'"emtiaz (\w+)', json.dumps(template).replace('\\"', '"'))
    assert told
    assert set(told) <= groups


def test_two_fragments_may_not_say_the_same_thing(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("Resources: {Queue: {Type: 'AWS::SQS::Queue'}}")
    with pytest.raises(TemplateError, match="Resources has two of Queue"):
        stack_template.fragments(tmp_path)


def test_an_addition_to_a_function_that_app_py_does_not_have_is_refused():
    with pytest.raises(TemplateError, match="Reconcile"):
        stack_template.finish({"Resources": {"Reconcile": {"Properties": {"MemorySize": 1}}}})


def test_production_calls_no_machine_of_its_own_and_sends_no_mail(template):
    assert template["Parameters"]["LoopbackWebhooks"]["Default"] == "false"
    assert template["Parameters"]["EmailFrom"]["Default"] == ""


def test_who_announces_sends_mail_from_the_one_address_and_events_to_the_one_bus():
    mail, events = (
        next(one for one in policy("announce") if action in listed(one["Action"]))
        for action in ("ses:SendEmail", "events:PutEvents")
    )
    assert mail["Condition"] == {"StringEquals": {"ses:FromAddress": "${EmailFrom}"}}
    assert events["Resource"].endswith(":event-bus/${EventBusName}")


@pytest.mark.parametrize("function", ["process", "receive"])
def test_whoever_saves_cards_may_ring_for_what_they_announce(function):
    rung = {
        one["Resource"] for one in policy(function) if "sqs:SendMessage" in listed(one["Action"])
    }
    assert rung >= {"${IntakeQueue.Arn}", "${WriteBackQueue.Arn}", "${AnnounceQueue.Arn}"}
