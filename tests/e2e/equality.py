"""What the tables hold and what the stand-in shows, against a naive recomputation of everything."""

from collections import defaultdict
from itertools import pairwise

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Ref
from tests.oracle.hubspot import rows_of
from tests.oracle.scorer import naive_card


def assert_oracle_equality(services, portal, connection, contacts, moved=None):
    """Every card equals the naive one at the instant it was made, and the CRM shows it.

    ``moved`` are further rows by contact id: what came to it from those merged into it.
    """
    dump, live = portal.dump(), services.settings.live(connection)
    page, cuts = live.policy, live.models.parameters.get("rfm", {})
    shown = {record["id"]: record["properties"] for record in dump["contacts"]}
    for contact in contacts:
        rows = rows_of(dump, page, connection, contact) + (moved or {}).get(contact, [])
        stored = services.store.load(ref_of(connection, contact)).card
        card = stored.body
        naive = naive_card(page, rows, cuts, card["subject"], parse_instant(card["at"]))
        assert summary(card) == summary(naive), contact
        assert_contributions(card, naive)
        assert not stored.pending
        assert_shown(ours(shown[contact]), card, page)


def ref_of(connection, contact):
    return Ref(connection, "contact", contact)


def ours(properties):
    return {
        name.removeprefix("emtiaz_"): value
        for name, value in properties.items()
        if name.startswith("emtiaz_") and value
    }


def summary(card):
    customer, rfm = card["customer"], card["rfm"]
    return {
        "score": card["score"],
        "lead": card["lead"]["score"],
        "grade": card["lead"]["grade"],
        "temperature": card["lead"]["temperature"],
        "customer": customer and (customer["score"], customer["class"]),
        "rfm": rfm and (rfm["recency_days"], rfm["frequency"], rfm["scores"], rfm["segment"]),
        "tags": list(card["tags"]),
    }


def assert_contributions(card, naive):
    """Whole points sum to the score, each less than one away from the exact share."""
    for part in ("lead", "customer"):
        if not card[part]:
            continue
        whole = {line["id"]: line["points"] for line in card[part]["contributions"]}
        assert sum(whole.values()) == card[part]["score"]
        for name, exact in naive[part]["contributions"].items():
            assert abs(whole.get(name, 0) - exact) < 1


def assert_shown(shown, card, page):
    """Names stand as on the card; a score may be less than a step behind."""
    assert abs(int(shown["score"]) - card["score"]) < page["publish"]["step"]
    assert shown["grade"] == card["lead"]["grade"]
    assert shown.get("class") == (card["customer"] and card["customer"]["class"])
    assert sorted(filter(None, shown.get("tags", "").split(";"))) == list(card["tags"])


def written_twice(portal):
    """Values that we gave a record again while it had them, as ``(contact, name)``."""
    return [
        (record["id"], name)
        for record in portal.dump()["contacts"]
        for name, revisions in record["history"].items()
        if name.startswith("emtiaz_")
        for newer, older in pairwise(revisions)
        if newer["value"] == older["value"] and newer["sourceType"] == "INTEGRATION"
    ]


def overtaken(services, portal, connection):
    """Contacts that showed an older card after a newer one.

    ``emtiaz_updated`` tells which card each write was of, the history of the subject in which
    order the cards were made.
    """
    return [
        record["id"]
        for record in portal.dump()["contacts"]
        if not is_in_order(
            [one["value"] for one in reversed(record["history"].get("emtiaz_updated", []))],
            versions_of(services, ref_of(connection, record["id"])),
        )
    ]


def versions_of(services, ref):
    """By instant: a worker that comes to a subject twice in one batch makes two cards of one."""
    versions = defaultdict(set)
    for row in services.store.history(ref, 10_000):
        versions[row["fields"]["updated"]].add(row["version"])
    return versions


def is_in_order(shown, versions):
    """Whether there is a version of each instant that is no older than the one before."""
    last = 0
    for instant in map(canonical, shown):
        if instant in versions:
            last = min((one for one in versions[instant] if one >= last), default=None)
            if last is None:
                return False
    return True


def canonical(text):
    return iso(parse_instant(text))
