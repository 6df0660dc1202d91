"""What ``docs/how-to/connect-salesforce.md`` tells an admin to deploy and to type is what there is."""

import re
from pathlib import Path

import pytest

from infra.crm.salesforce import fields, project

PAGE = Path("docs/how-to/connect-salesforce.md").read_text("utf-8")
REFERENCE = Path("docs/reference/cli.md").read_text("utf-8")
COMMANDS = re.findall(r"^(?:EMTIAZ\S+ .*)?emtiaz (.+)$", PAGE, re.MULTILINE)


def section(command):
    """Of the longest name that the command line begins with."""
    names = re.findall(r"^##+ `emtiaz ([\w ]+)`$", REFERENCE, re.MULTILINE)
    name = max((one for one in names if f"{command} ".startswith(f"{one} ")), key=len)
    return re.split(rf"^##+ `emtiaz {name}`$", REFERENCE, flags=re.MULTILINE)[1].split("\n##")[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_the_page_is_one_of_its_command(command):
    for option in re.findall(r"--[\w-]+", command):
        assert f"`{option}" in section(command)


def test_the_page_deploys_the_folders_of_the_project_and_assigns_its_permission_sets():
    deployed = set(re.findall(r"--source-dir ([\w-]+)", PAGE))
    folders = {project.BASE, project.ORDERS, project.TOPICS, project.OUTBOUND, project.CAPTURE}
    assert deployed == folders
    assigned = set(re.findall(r"permset --name (\w+)", PAGE))
    assert assigned == {fields.INTEGRATION, fields.READERS, fields.ORDERS, fields.TOPICS}
