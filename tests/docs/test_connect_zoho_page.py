"""What ``docs/how-to/connect-zoho.md`` tells an admin to ask for and to type is what there is."""

import re
from pathlib import Path

from connectors.zoho.oauth import CLOUDS
from infra.crm.zoho import scopes

PAGE = Path("docs/how-to/connect-zoho.md").read_text("utf-8")


def rows(heading):
    table = PAGE.split(heading, 1)[1].split("\n\n", 1)[0]
    return [line for line in table.splitlines() if line.startswith("|")][1:]


def test_the_page_names_the_scopes_that_are_asked_for():
    asked = {*scopes.BASE, *scopes.OPTIONAL, *scopes.OF_MODULE.values()}
    asked |= {one for some in scopes.OF_KIND.values() for one in some}
    named = set()
    for row in rows("| scopes | for |"):
        cell = row.split("|")[1]
        words = re.findall(r"`([\w.]+)`", cell)
        ends = {word for word in words if word.startswith(".")}
        for word in (word for word in words if not word.startswith(".")):
            whole = re.search(r"\.[A-Z]+$", word)
            place = word[: whole.start()] if whole else word
            named |= {f"ZohoCRM.{place}{end}" for end in {*ends, *([whole[0]] if whole else [])}}
    assert named <= asked | {"ZohoCRM.modules.calls.READ"}
    missing = asked - named
    assert missing <= {"ZohoCRM.modules.events.READ", "ZohoCRM.modules.tasks.READ"}


def test_every_data_centre_of_the_page_has_an_accounts_server():
    hosts = re.findall(r"`https://www\.([\w.]+)`", "\n".join(rows("| data centre |")))
    assert len(hosts) >= 8
    assert set(hosts) <= set(CLOUDS)
