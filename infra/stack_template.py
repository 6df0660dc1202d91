"""The CloudFormation template: chalice's part, ours from ``infra/template``, and the joints."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chalice.package import YAMLTemplateSerializer

Template = dict[str, Any]

FRAGMENTS = Path(__file__).parent / "template"

_QUEUES = {"Process": "IntakeQueue", "WriteBack": "WriteBackQueue", "Announce": "AnnounceQueue"}

_VARIABLE = re.compile(r"\$\{[A-Za-z0-9:.]+\}")


class TemplateError(Exception):
    """The parts of the template do not fit together."""


def fragments(folder: Path = FRAGMENTS) -> Template:
    """All files of ``folder`` as one template. Raises TemplateError if two say the same thing."""
    whole: Template = {}
    for path in sorted(folder.glob("*.yaml")):
        _add(whole, YAMLTemplateSerializer().load_template(path.read_text("utf-8"), str(path)))
    return whole


def _add(whole: Template, fragment: Template) -> None:
    for section, content in fragment.items():
        present = whole.setdefault(section, type(content)())
        if isinstance(content, dict) and (twice := present.keys() & content.keys()):
            raise TemplateError(f"{section} has two of {', '.join(sorted(twice))}")
        whole[section] = present | content if isinstance(content, dict) else content


def finish(merged: Template) -> Template:
    """What a merge cannot say: variables in chalice's own texts, and which queue feeds whom."""
    resources = {name: _finished(name, body) for name, body in merged["Resources"].items()}
    return merged | {"Resources": resources}


def _finished(name: str, resource: Mapping[str, Any]) -> Template:
    if "Type" not in resource:
        raise TemplateError(f"infra/template adds to {name}, but app.py makes no such thing")
    finishers: dict[str, Callable[[str, Template], Template]] = {
        "AWS::Serverless::Function": _function,
        "AWS::IAM::Role": _role,
    }
    finisher = finishers.get(resource["Type"])
    if finisher is None:
        return dict(resource)
    return {**resource, "Properties": finisher(name, resource["Properties"])}


def _function(name: str, properties: Template) -> Template:
    finished = {**properties, "Environment": substituted(properties["Environment"])}
    if name in _QUEUES:
        finished["Events"] = {
            event: _fed_by(_QUEUES[name], source) for event, source in properties["Events"].items()
        }
    return finished


def _fed_by(queue: str, source: Mapping[str, Any]) -> Template:
    """By attribute: CloudFormation must make the queue before it can read from it.

    Chalice writes a text with the queue's name, which tells CloudFormation nothing, and a
    merge would put the attribute next to the text.
    """
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    return {**source, "Properties": {**source["Properties"], "Queue": arn}}


def _role(_name: str, properties: Template) -> Template:
    return {**properties, "Policies": substituted(properties["Policies"])}


def substituted(value: Any) -> Any:
    """Texts with a ``${Variable}`` become ``Fn::Sub``, at any depth.

    >>> substituted({"Resource": ["${IntakeQueue.Arn}", "*"]})
    {'Resource': [{'Fn::Sub': '${IntakeQueue.Arn}'}, '*']}
    """
    match value:
        case str() if _VARIABLE.search(value):
            return {"Fn::Sub": value}
        case {"Fn::Sub": _}:
            return value
        case dict():
            return {key: substituted(member) for key, member in value.items()}
        case list():
            return [substituted(member) for member in value]
        case _:
            return value
