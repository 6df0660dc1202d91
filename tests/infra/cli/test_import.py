"""What a file brings in, what of it is refused, and where a second run goes on."""

import json
from dataclasses import replace

import pytest

from chalicelib.core.errors import Retryable
from chalicelib.pipeline import import_events
from tests.fakes.events import item, order
from tests.pipeline.conftest import CONNECTION

TOY = ("--connection", CONNECTION)
COLUMNS = (
    "--map",
    "No=id",
    "--map",
    "Day=occurred_at",
    "--map",
    "Mail=email",
    "--map",
    "Sum=amount",
)


@pytest.fixture
def facts(tmp_path):
    def write(*rows):
        path = tmp_path / "facts.jsonl"
        texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(texts) + "\n", "utf-8")
        return path

    return write


@pytest.fixture
def sales(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(
        "\ufeffNo,Day,Mail,Sum\n1,2026-03-20,anna@acme.example,19.99\n"
        "2,1404/12/29,ben@acme.example,€5\n3,tomorrow,carl@acme.example,1\n",
        "utf-8",
    )
    return path


def queued(installation):
    return [row for message in installation.fakes.intake.messages for row in message["events"]]


def test_facts_and_events_are_queued_by_the_hundred(emtiaz, installation, facts):
    fact = order(1)
    fact = {"subject": f"{CONNECTION}:contact:7", **{k: v for k, v in fact.items() if k != "who"}}
    path = facts(fact, *(item(number) for number in range(150)))
    outcome = emtiaz("import", *TOY, "--facts", path, "--json")
    assert (outcome.code, outcome.json) == (0, {"accepted": 151, "refused": [], "dry_run": False})
    assert [len(one["events"]) for one in installation.fakes.intake.messages] == [100, 51]
    assert queued(installation)[0]["who"] == {"id": f"{CONNECTION}:contact:7"}


def test_refused_lines_are_listed_with_what_to_write_and_left_out(emtiaz, installation, facts):
    path = facts(item(1), "{", "", item(2, "nonsense"), order(3), order(3), order(3, amount=5))
    outcome = emtiaz("import", *TOY, "--facts", path)
    assert outcome.code == 1
    assert [cells[:2] for cells in outcome.cells] == [["2", ""], ["4", "/type"], ["7", "/id"]]
    assert "line 5" in outcome.cells[2][2]
    assert outcome.err.endswith("3 brought in; they are scored within minutes, 3 refused\n")
    assert len(queued(installation)) == 3


def test_a_dry_run_tells_the_same_and_queues_nothing(emtiaz, installation, facts):
    outcome = emtiaz("import", *TOY, "--facts", facts(item(1), {}), "--dry-run", "--json")
    assert outcome.code == 1
    assert outcome.json["accepted"] == 1
    assert [row["line"] for row in outcome.json["refused"]] == [2]
    assert installation.fakes.intake.messages == []


def test_a_table_of_sales_is_read_by_its_columns(emtiaz, installation, sales):
    outcome = emtiaz("import", *TOY, "--csv", sales, *COLUMNS, "--json")
    assert outcome.code == 1
    assert [(row["line"], row["pointer"]) for row in outcome.json["refused"]] == [
        (4, "/occurred_at")
    ]
    first, second = queued(installation)
    assert first["data"]["amount"] == {"amount": 1999, "currency": "USD"}
    assert second["data"]["amount"] == {"amount": 500, "currency": "EUR"}
    assert second["occurred_at"] == "2026-03-20T00:00:00.000Z"


def test_a_second_run_goes_on_where_the_first_stopped(emtiaz, installation, facts, monkeypatch):
    monkeypatch.setattr(import_events, "ITEMS_PER_SEND", 10)
    path = facts(*(item(number) for number in range(25)), {})
    intake = installation.fakes.intake
    first, sends = intake.send, []

    def send(messages, **more):
        sends.append(messages)
        if len(sends) == 2:
            raise Retryable("the queue is down")
        first(messages, **more)

    monkeypatch.setattr(intake, "send", send)
    assert emtiaz("import", *TOY, "--facts", path).code == 3
    assert len(queued(installation)) == 10
    outcome = emtiaz("import", *TOY, "--facts", path, "--json")
    assert outcome.err == "going on after line 10\n"
    assert [row["line"] for row in outcome.json["refused"]] == [26], "refused lines are told again"
    assert [row["id"] for row in queued(installation)] == [f"e{number}" for number in range(25)]


def test_another_file_begins_anew(emtiaz, installation, facts):
    emtiaz("import", *TOY, "--facts", facts(item(1)))
    outcome = emtiaz("import", *TOY, "--facts", facts(item(1), item(2)))
    assert "going on" not in outcome.err
    assert len(queued(installation)) == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("--facts", "a", "--csv", "b"), 2),
        (("--csv", "{sales}", "--map", "No"), 2),
        (("--csv", "{sales}", "--map", "No=number"), 1),
        (("--facts", "nowhere.jsonl"), 1),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_sent(
    emtiaz, installation, sales, arguments, code
):
    assert emtiaz("import", *TOY, *(one.format(sales=sales) for one in arguments)).code == code
    assert installation.fakes.intake.messages == []


def test_days_are_those_of_the_connections_zone(emtiaz, installation, sales):
    settings = installation.fakes.settings
    live = settings.live(CONNECTION).connection
    settings.put_connection(replace(live, time_zone="Asia/Tehran"))
    emtiaz("import", *TOY, "--csv", sales, *COLUMNS)
    assert queued(installation)[0]["occurred_at"] == "2026-03-19T20:30:00.000Z"
