"""What the tables hold and what a stand-in shows, against a naive recomputation of everything."""

from collections import defaultdict
from importlib import import_module
from itertools import pairwise

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Ref
from chalicelib.policy import compile_policy
from chalicelib.scoring import outputs
from tests.oracle.scorer import naive_card


def assert_oracle_equality(services, stand_in, connection, people, moved=None):
    """Every card equals the naive one at the instant it was made, and the CRM shows it.

    ``moved`` are further rows by person, of what came to it from those merged into it.
    """
    live = services.settings.live(connection)
    page, cuts = live.policy, live.models.parameters.get("rfm", {})
    rows, oracle = read_by_the_oracle(stand_in, live), oracle_of(live.connection.crm)
    for person in people:
        subject = services.store.load(stand_in.ref(connection, person))
        stored, card = subject.card, subject.card.body
        facts = each_once(rows(person) + (moved or {}).get(person, []))
        naive = naive_card(page, facts, cuts, card["subject"], parse_instant(card["at"]))
        assert summary(card) == summary(naive), apart(person, subject, facts, card, naive)
        assert_contributions(card, naive)
        assert not stored.pending
        assert_shown(stand_in.people.shown(person), card, page)
        tags = stand_in.people.shown(person).get("tags", "").split(";")
        assert sorted(filter(None, tags)) == oracle.tags_shown(card["tags"])


def apart(person, subject, rows, card, naive):
    """What stands in the way of equality, to be read by whoever looks for the reason."""
    known = {(one.type, one.id) for one in subject.facts}
    foreseen = {(row["type"], row["id"]) for row in rows}
    return (
        f"{person}, version {subject.card.version} of {card['at']}: {summary(card)}, "
        f"not {summary(naive)}; only stored {known - foreseen}, only foreseen {foreseen - known}"
    )


def unwritten(services, connection):
    """Whose cards the CRM does not show yet: where it was busy, sweep rings for them."""
    refs = [Ref.parse(str(row["ref"])) for row in services.store.population(connection)]
    return [card.ref for card in services.store.cards(refs) if card.pending]


def oracle_of(crm):
    """Each CRM has one: what it holds as facts, and what is particular about what it shows."""
    return import_module(f"tests.oracle.{crm}")


def each_once(rows):
    """A CRM may tell of the survivor what the loser of a merge did."""
    return list({(row["type"], row["id"]): row for row in rows}.values())


def read_by_the_oracle(stand_in, live):
    """Gives the rows of a person as the stand-in holds them now."""
    oracle, dump = oracle_of(live.connection.crm), stand_in.dump()
    return lambda person: oracle.rows_of(dump, live.policy, live.connection.id, person)


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


def written_twice(stand_in, live):
    """Values that we gave a record again while it had them, as ``(person, output)``."""
    crm = stand_in.people
    names = [output.name for output in outputs(compile_policy(live.policy), "contact")]
    return [
        (person, name)
        for person in crm.everybody()
        for name in names
        for older, newer in pairwise(crm.revisions(person, name))
        if newer.value == older.value and newer.ours and not is_second(name, newer.value)
    ]


def is_second(name, value):
    """Of two cards that were made in it, where the CRM keeps no less: they are told alike."""
    return name == "updated" and not parse_instant(value).microsecond


def overtaken(services, stand_in, connection):
    """People whose records showed an older card after a newer one.

    What a record is ``updated`` tells which card each write was of, the history of the subject in
    which order the cards were made.
    """
    return [
        person
        for person in stand_in.people.everybody()
        if not is_in_its_order(services, stand_in, stand_in.ref(connection, person), person)
    ]


def is_in_its_order(services, stand_in, ref, person):
    shown = [one.value for one in stand_in.people.revisions(person, "updated") if one.value]
    spelled = spelling(shown)
    return is_in_order(map(spelled, shown), versions_of(services, ref, spelled))


def versions_of(services, ref, spelled):
    """By instant: a worker that comes to a subject twice in one batch makes two cards of one."""
    versions = defaultdict(set)
    for row in services.store.history(ref, 10_000):
        versions[spelled(row["fields"]["updated"])].add(row["version"])
    return versions


def is_in_order(shown, versions):
    """Whether there is a version of each instant that is no older than the one before."""
    last = 0
    for instant in shown:
        if instant in versions:
            last = min((one for one in versions[instant] if one >= last), default=None)
            if last is None:
                return False
    return True


def spelling(shown):
    """As precise as the CRM keeps instants: some keep no less than a second."""
    is_precise = any(parse_instant(one).microsecond for one in shown)
    return to_the_millisecond if is_precise else to_the_second


def to_the_millisecond(text):
    return iso(parse_instant(text))


def to_the_second(text):
    return iso(parse_instant(text).replace(microsecond=0))
