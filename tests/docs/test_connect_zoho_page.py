"""What ``docs/how-to/connect-zoho.md`` tells an admin to ask for and to type is what there is."""

import re
from pathlib import Path

from connectors.zoho.oauth import CLOUDS
from infra.crm.zoho import scopes

PAGE = Path("docs/how-to/connect-zoho.md").read_text("utf-8")


def rows(heading):
    table = PAGE.split(heading, 1)[1].split("\n\n", 1)[0]
    return [line for line in table.splitlines() if line.startswith("|")][1:]


def scopes_in(row):
    """A word that begins with a dot goes on with those without an operation, or else the last."""
    words = re.findall(r"`([\w.]+)`", row.split("|")[1])
    bare = [word for word in words if not re.search(r"[A-Z]+$", word)]
    whole = [word for word in words if word not in bare and not word.startswith(".")]
    goes_on = bare or [whole[-1].rpartition(".")[0]]
    ends = [word for word in words if word.startswith(".")]
    return {f"ZohoCRM.{one}" for one in whole + [place + end for place in goes_on for end in ends]}


def test_the_page_names_the_scopes_that_are_asked_for():
    asked = {*scopes.BASE, *scopes.OPTIONAL, *scopes.OF_MODULE.values()}
    asked |= {one for some in scopes.OF_KIND.values() for one in some}
    named = {scope for row in rows("| scopes | for |") for scope in scopes_in(row)}
    # What was done with people is told by one example of three.
    assert asked - named == {"ZohoCRM.modules.events.READ", "ZohoCRM.modules.tasks.READ"}
    assert named <= asked


def test_every_data_centre_of_the_page_has_an_accounts_server():
    hosts = re.findall(r"`https://www\.([\w.]+)`", "\n".join(rows("| data centre |")))
    assert len(hosts) >= 8
    assert set(hosts) <= set(CLOUDS)
