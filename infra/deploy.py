"""Put a package into an AWS account, or into whatever answers at ``AWS_ENDPOINT_URL``.

The stack is made and updated through change sets: what would happen can be shown before
anything does, and an update that fails is rolled back by CloudFormation as a whole.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.exceptions import ClientError

from infra.package import Package

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef
    from mypy_boto3_s3 import S3Client

Outputs = Mapping[str, str]
"""The stack's outputs by name, ``infra/template/functions.yaml``."""

_POLL_SECONDS = 2.0
# Transforms (SAM, the language extensions) count as a capability.
_CAPABILITIES: list[Literal["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]] = [
    "CAPABILITY_IAM",
    "CAPABILITY_AUTO_EXPAND",
]
# CloudFormation says only in words that there is nothing to do.
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


SANDBOX: Mapping[str, str] = {
    "Sandbox": "true",
    "TableDeletionPolicy": "Delete",
    "IntakeVisibilitySeconds": "120",
    "WriteBackVisibilitySeconds": "240",
    "AnnounceVisibilitySeconds": "240",
    "LoopbackWebhooks": "true",
}
"""Parameters of a rehearsal: the clock can be moved, and a killed worker is missed sooner."""


class DeploymentError(Exception):
    """The stack is not as wanted; the message carries CloudFormation's own reasons."""


class NotDeployed(Exception):
    """The account holds no such stage."""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One line of a change set: ``action`` is Add, Modify or Remove."""

    action: str
    resource: str
    type: str
    replaced: bool


@dataclass(frozen=True, slots=True)
class ResourceEvent:
    """What CloudFormation just did: ``status`` is as CREATE_COMPLETE, ``reason`` often empty."""

    id: str
    resource: str
    type: str
    status: str
    reason: str

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")


@dataclass(frozen=True, slots=True)
class Plan:
    """A change set that waits to be carried out; ``changes`` is empty if nothing differs."""

    stack: str
    change_set: str
    creates: bool
    changes: tuple[ResourceChange, ...]


def plan(package: Package, stage: str, parameters: Mapping[str, str]) -> Plan:
    """Upload ``package`` and ask CloudFormation what it would do.

    ``parameters`` are those of ``infra/template/parameters.yaml``, apart from Stage; the ones
    left out keep the value of the last deployment. Raises DeploymentError.
    """
    template_url = _upload(package, stage)
    cloud = boto3.client("cloudformation")
    stack = f"emtiaz-{stage}"
    standing = _standing(cloud, stack)
    change_set = cloud.create_change_set(
        StackName=stack,
        ChangeSetName=f"emtiaz-{time.time_ns()}",
        ChangeSetType="UPDATE" if standing else "CREATE",
        TemplateURL=template_url,
        Capabilities=_CAPABILITIES,
        Parameters=_parameters(package, standing, {"Stage": stage, **parameters}),
    )["Id"]
    changes = _wait_for_changes(cloud, change_set)
    return Plan(stack, change_set, creates=standing is None, changes=changes)


def carry_out(plan: Plan) -> Iterator[ResourceEvent]:
    """Execute a plan with changes; yields what happens until it is done.

    Raises DeploymentError if the stack does not end as the plan wants it.
    """
    cloud = boto3.client("cloudformation")
    seen = {event.id for event in _events(cloud, plan.stack)}
    cloud.execute_change_set(ChangeSetName=plan.change_set)
    failures: list[ResourceEvent] = []
    for event in _new_events(cloud, plan.stack, seen):
        failures += [event] if event.failed else []
        yield event
    status = _status(cloud, plan.stack)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentError(_story(plan.stack, status, failures))


def discard(plan: Plan) -> None:
    """Leave nothing behind of a plan that is not to be carried out."""
    if not plan.changes:
        return  # its change set is gone already
    cloud = boto3.client("cloudformation")
    cloud.delete_change_set(ChangeSetName=plan.change_set)
    if plan.creates:
        cloud.delete_stack(StackName=plan.stack)


def outputs(stage: str) -> Outputs:
    """Of a deployed stage. Raises NotDeployed."""
    cloud = boto3.client("cloudformation")
    stack = _describe(cloud, f"emtiaz-{stage}")
    if stack is None:
        raise NotDeployed(f"stage {stage} is not deployed; run: emtiaz deploy --stage {stage}")
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def webhook_url(outputs: Outputs, connection: str) -> str:
    """The address that the CRM is given for ``connection``."""
    endpoint = boto3.client("cloudformation").meta.endpoint_url
    if ".amazonaws." in endpoint:
        return outputs["WebhookBaseUrl"] + connection
    # An emulator has no names in the DNS; it serves every API under a path of its own.
    return f"{endpoint}/_aws/execute-api/{outputs['RestAPIId']}/v1/hooks/{connection}"


def _parameters(
    package: Package, standing: StackTypeDef | None, given: Mapping[str, str]
) -> list[ParameterTypeDef]:
    """CloudFormation takes the default of whatever is not named, also in an update."""
    declared = json.loads(package.template.read_text("utf-8"))["Parameters"].keys()
    kept = {one["ParameterKey"] for one in standing.get("Parameters", [])} if standing else set()
    chosen: list[ParameterTypeDef] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
    ]
    unnamed: list[ParameterTypeDef] = [
        {"ParameterKey": name, "UsePreviousValue": True}
        for name in sorted(kept & declared - given.keys())
    ]
    return chosen + unnamed


def _upload(package: Package, stage: str) -> str:
    """Put zip and template under names that say their content; the template's URL."""
    storage = boto3.client("s3")
    bucket = _bucket(storage, stage)
    code = package.code.read_bytes()
    code_key = f"{hashlib.sha256(code).hexdigest()}.zip"
    template = package.template.read_text("utf-8").replace(
        json.dumps("./code.zip"), json.dumps(f"s3://{bucket}/{code_key}")
    )
    template_key = f"{hashlib.sha256(template.encode()).hexdigest()}.json"
    storage.put_object(Bucket=bucket, Key=code_key, Body=code)
    storage.put_object(Bucket=bucket, Key=template_key, Body=template.encode())
    return f"{storage.meta.endpoint_url}/{bucket}/{template_key}"


def _bucket(storage: S3Client, stage: str) -> str:
    """Made on first use, closed to the public. Names are shared by the whole world."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = storage.meta.region_name
    name = f"emtiaz-{stage}-artefacts-{account}-{region}"
    try:
        storage.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        _make_bucket(storage, name, region)
    return name


def _make_bucket(storage: S3Client, name: str, region: str) -> None:
    if region == "us-east-1":  # the one region that may not be named
        storage.create_bucket(Bucket=name)
    else:
        storage.create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
        )
    storage.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )


def _standing(cloud: CloudFormationClient, stack: str) -> StackTypeDef | None:
    """The stack if it can be updated; what a failed first deployment left is cleared away."""
    found = _describe(cloud, stack)
    if found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    if found["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
        cloud.delete_stack(StackName=stack)
        cloud.get_waiter("stack_delete_complete").wait(StackName=stack)
        return None
    return found


def _describe(cloud: CloudFormationClient, stack: str) -> StackTypeDef | None:
    try:
        return cloud.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _status(cloud: CloudFormationClient, stack: str) -> str:
    found = _describe(cloud, stack)
    if found is None:
        raise DeploymentError(f"the stack {stack} disappeared while it was deployed")
    return found["StackStatus"]


def _wait_for_changes(cloud: CloudFormationClient, change_set: str) -> tuple[ResourceChange, ...]:
    while True:
        found = cloud.describe_change_set(ChangeSetName=change_set)
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "")
            if any(words in reason for words in _NOTHING_TO_DO):
                cloud.delete_change_set(ChangeSetName=change_set)
                return ()
            raise DeploymentError(f"CloudFormation refuses the template: {reason}")
        if found["Status"] == "CREATE_COMPLETE":
            return tuple(_changes(cloud, change_set))
        time.sleep(_POLL_SECONDS)


def _changes(cloud: CloudFormationClient, change_set: str) -> Iterator[ResourceChange]:
    pages = cloud.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    for page in pages:
        for change in page["Changes"]:
            one = change["ResourceChange"]
            yield ResourceChange(
                action=one["Action"],
                resource=one["LogicalResourceId"],
                type=one["ResourceType"],
                replaced=one.get("Replacement") == "True",
            )


def _new_events(cloud: CloudFormationClient, stack: str, seen: set[str]) -> Iterator[ResourceEvent]:
    """Until the stack rests. The status is read first, so that no event after it is missed."""
    busy = True
    while busy:
        busy = _status(cloud, stack).endswith("_IN_PROGRESS")
        for event in _events(cloud, stack):
            if event.id not in seen:
                seen.add(event.id)
                yield event
        if busy:
            time.sleep(_POLL_SECONDS)


def _events(cloud: CloudFormationClient, stack: str) -> list[ResourceEvent]:
    """Oldest first."""
    pages = cloud.get_paginator("describe_stack_events").paginate(StackName=stack)
    newest_first = [
        ResourceEvent(
            id=event["EventId"],
            resource=event.get("LogicalResourceId", ""),
            type=event.get("ResourceType", ""),
            status=event.get("ResourceStatus", ""),
            reason=event.get("ResourceStatusReason", ""),
        )
        for page in pages
        for event in page["StackEvents"]
    ]
    return newest_first[::-1]


def _story(stack: str, status: str, failures: list[ResourceEvent]) -> str:
    reasons = [f"{event.resource}: {event.reason}" for event in failures if event.reason]
    return "\n".join([f"the stack {stack} ended as {status}", *reasons])
