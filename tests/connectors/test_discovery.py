"""Being in ``connectors/`` is being registered."""

import subprocess
import sys
from pathlib import Path

import pytest

import connectors
from chalicelib.core.errors import ConfigurationError, UnknownConnection

ROOT = Path(__file__).parents[2]

DROPPED_IN = """
from chalicelib.core.connector import Connector

CONNECTOR = Connector(
    name="{name}", base_url="https://crm.example", api_version="1",
    content_types=("text/xml",), verify=lambda request, secret, now: None,
    check_shape=lambda request: None, parse=lambda request, connection: (),
    connect=lambda connection, secret, attributes: None,
)
"""


@pytest.fixture
def drop_in(tmp_path, monkeypatch):
    """Makes a folder beside the shipped connectors, as far as anybody can tell."""
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(tmp_path)])

    def drop(folder, source):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text(source)

    yield drop
    for name in list(sys.modules):
        if name.startswith("connectors.dropped"):
            del sys.modules[name]


@pytest.mark.parametrize("name", ["hubspot", "salesforce", "zoho"])
def test_it_is_there(name):
    assert name in connectors.names()
    assert connectors.load(name).name == name


def test_a_folder_dropped_in_works_without_any_other_edit(drop_in):
    drop_in("dropped", DROPPED_IN.format(name="dropped"))
    assert "dropped" in connectors.names()
    assert connectors.load("dropped").name == "dropped"
    assert {"application/json", "text/xml"} <= set(connectors.content_types())


def test_a_folder_with_an_underscore_and_a_plain_module_are_no_connectors(drop_in, tmp_path):
    drop_in("_dropped", DROPPED_IN.format(name="_dropped"))
    (tmp_path / "dropped_module.py").write_text("")
    assert not {"_dropped", "dropped_module"} & set(connectors.names())


def test_an_unknown_name_is_refused_before_anything_is_imported(tmp_path, monkeypatch):
    (tmp_path / "surprise.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("surprise", "_http", "hubspot.client", "", ".", "../hubspot"):
        with pytest.raises(UnknownConnection):
            connectors.load(name)


@pytest.mark.parametrize("source", [DROPPED_IN.format(name="another"), "", "CONNECTOR = 'me'"])
def test_a_folder_that_does_not_declare_a_connector_of_its_name_is_loudly_wrong(drop_in, source):
    drop_in("dropped_wrong", source)
    with pytest.raises(ConfigurationError, match="dropped_wrong"):
        connectors.load("dropped_wrong")


def test_loading_every_connector_imports_nothing_heavy():
    program = (
        "import sys, connectors\n"
        "[connectors.load(name) for name in connectors.names()]\n"
        "print(*{'requests', 'urllib3', 'jsonschema', 'boto3', 'botocore'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
