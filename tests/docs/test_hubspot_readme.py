"""What the connector's README tells an admin to type and to allow is what there is."""

import re
from pathlib import Path

import pytest

from connectors.hubspot.workflow import CHANNELS
from infra.crm.hubspot.scopes import EVERY, EXCHANGE_RATES

README = Path("connectors/hubspot/README.md").read_text("utf-8")
COMMANDS = Path("docs/reference/cli.md").read_text("utf-8")


@pytest.mark.parametrize("scope", sorted({*EVERY, EXCHANGE_RATES}))
def test_it_names_every_scope_that_the_app_may_ask_for(scope):
    assert f"`{scope}`" in README


@pytest.mark.parametrize("channel", CHANNELS)
def test_it_names_every_channel_of_a_workflow(channel):
    assert f"/{channel}`" in README


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z][a-z-]+", README))))
def test_every_option_it_names_is_one(option):
    assert f"* `{option}" in COMMANDS


def test_every_anchor_leads_somewhere():
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    assert set(re.findall(r"\(#([a-z0-9-]+)\)", README)) <= anchors
