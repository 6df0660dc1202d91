"""Where an organisation is, as its own answers tell it."""

import pytest

from chalicelib.core.connector import Connection
from connectors.zoho.oauth import CLOUDS, accounts_server, located

AMERICA = Connection(
    "zoho-main", "zoho", "", "https://www.zohoapis.com", "v8", "", "", {"user": "7"}
)


def test_the_pages_answer_says_which_accounts_server_has_the_organisation():
    answer = {"code": "1000.a", "location": "eu", "accounts-server": "https://accounts.zoho.eu"}
    found = located(AMERICA, answer)
    assert accounts_server(found) == "https://accounts.zoho.eu"
    assert found.details["user"] == "7"


@pytest.mark.parametrize(
    "told",
    [
        "",
        "https://accounts.zoho.example",
        "http://accounts.zoho.eu",
        "https://accounts.zoho.eu.evil.example",
        "https://accounts.zoho.eu@evil.example",
        "https://accounts.zoho.eu/evil",
    ],
)
def test_the_clients_secret_is_told_to_nobody_but_zoho(told):
    assert located(AMERICA, {"code": "1000.a", "accounts-server": told}) == AMERICA


def test_an_answer_that_names_no_server_changes_nothing():
    assert located(AMERICA, {"code": "1000.a"}) == AMERICA


@pytest.mark.parametrize("server", sorted(set(CLOUDS.values())))
def test_every_accounts_server_that_we_know_may_be_told(server):
    told = {"accounts-server": f"https://{server}"}
    assert accounts_server(located(AMERICA, told)) == f"https://{server}"
