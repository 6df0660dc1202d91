"""``emtiaz train``, ``predict`` and ``backtest`` of a file, which need no AWS."""

import csv
import json
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from infra.cli.installation import Installation

CDNOW = (
    "--transactions", "tests/data/cdnow/purchases.txt",
    "--columns", "_,customer,date,_,amount", "--currency", "USD",
)  # fmt: skip
HEADING = "customer,date,amount,order,returns"
COMMANDS = ("train", "predict", "backtest")


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch):
    monkeypatch.setattr(Installation, "find", lambda _: pytest.fail("asked for an installation"))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """What training has learned of the sample, as a file."""
    from typer.testing import CliRunner

    from infra.cli import app

    path = tmp_path_factory.mktemp("models") / "models.json"
    done = CliRunner().invoke(app, ["train", *CDNOW, "--out", str(path)])
    assert done.exit_code == 0
    return path


@pytest.fixture
def table(tmp_path):
    def written(rows, heading=HEADING):
        path = tmp_path / "sales.csv"
        lines = [heading, *(",".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return written


def test_training_tells_what_it_learned_verdict_first(emtiaz):
    outcome = emtiaz("train", *CDNOW)
    assert outcome.code == 0
    first, verdict, *_ = outcome.out.splitlines()
    assert first == "295 customers as of 1998-06-28"
    assert verdict.startswith(
        "purchases: used. Fitted on 295 customers, 147 of whom bought again. "
        "Tried on the past, it foretold 100 % of the purchases that came."
    )
    figures = {tuple(row[:2]): row[2] for row in outcome.cells if len(row) == 3}
    assert figures["purchases", "repeaters"] == "147"
    assert figures["clusters", "k"] == "3"
    assert figures["spend", "mean"] == "33.98 USD"
    assert float(figures["purchases", "backtest total ratio"]) == pytest.approx(1.0, abs=0.05)


def test_what_is_learned_is_the_same_each_time(emtiaz, models):
    found = emtiaz("train", *CDNOW, "--json").json
    assert found["version"] == json.loads(models.read_text("utf-8"))["version"]
    assert found["at"] == "1998-06-28"
    assert found["model_cards"]["purchases"]["passed"]
    assert found["model_cards"]["purchases"]["sentences"][0]["fa"]


def test_a_dry_run_writes_nothing(emtiaz, tmp_path):
    path = tmp_path / "models.json"
    assert emtiaz("train", *CDNOW, "--out", path, "--dry-run").code == 0
    assert not path.exists()


def test_predictions_tell_of_everybody_the_best_first(emtiaz, models):
    outcome = emtiaz("predict", *CDNOW, "--models", models, "--json")
    assert outcome.code == 0
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert len(rows) == 295
    worths = [row["clv"]["amount"] for row in rows]
    assert worths == sorted(worths, reverse=True)
    for row in rows:
        assert 0 < row["purchase_30"] < row["purchase_90"] < row["alive"] <= 1
        assert row["method"] == "model"
        factors = row["factors"]
        product = factors["alive"] * factors["purchases"] * factors["spend"] * factors["discount"]
        assert product == pytest.approx(row["clv"]["amount"], abs=0.51)


def test_predictions_fitted_on_the_way_are_those_of_the_file(emtiaz, models):
    read = emtiaz("predict", *CDNOW, "--models", models)
    assert emtiaz("predict", *CDNOW).out == read.out
    assert len(read.cells) == 20
    assert "295 customers as of 1998-06-28; 20 are shown" in read.err


def test_everybody_goes_to_a_table_for_other_programs(emtiaz, models, tmp_path):
    path = tmp_path / "out.csv"
    emtiaz("predict", *CDNOW, "--models", models, "--csv", path, "--limit", "1")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 295
    assert rows[0]["currency"] == "USD"
    assert float(rows[0]["clv"]) > float(rows[-1]["clv"]) > 0
    assert {row["churn"] for row in rows} <= {"low", "medium", "high"}


def test_longer_and_dearer_is_worth_more(emtiaz, models):
    def first(*more):
        told = emtiaz("predict", *CDNOW, "--models", models, "--json", *more)
        return json.loads(told.out.splitlines()[0])["clv"]["amount"]

    assert first("--months", "24") > first() > first("--annual-rate", "0.5")
    assert first("--margin", "0.5") == pytest.approx(first() / 2, abs=1)


def test_who_bought_once_is_not_alive_by_construction_alone(emtiaz):
    outcome = emtiaz("predict", *CDNOW, "--model", "bg_nbd", "--json")
    once = [row for row in map(json.loads, outcome.out.splitlines()) if row["purchases"] == 1]
    assert once
    assert {(row["alive"], row["churn"]) for row in once} == {(None, None)}


def test_a_model_is_held_against_what_followed_and_against_a_rule_of_thumb(emtiaz):
    outcome = emtiaz("backtest", *CDNOW)
    assert outcome.code == 0
    verdict, known, *rows = outcome.out.splitlines()
    assert verdict == "Foretold 100% of the 152 purchases that were made (78% – 122%)"
    assert known.startswith("295 customers known by 1997-12-29, held against the 181 days until")
    told = {row.split("\t")[0]: row.split("\t")[1:] for row in rows}
    ratio, _, naive = told["total ratio"]
    assert abs(float(ratio) - 1) < abs(float(naive) - 1)
    assert [str(place) for place in range(1, 11)] == [key for key in told if key.isdigit()]


def test_the_day_to_try_a_model_on_can_be_chosen(emtiaz):
    found = emtiaz("backtest", *CDNOW, "--cut-off", "1997-09-30", "--json").json
    assert (found["cut_off"], found["until"]) == ("1997-09-30", "1998-06-28")
    assert found["actual"] > 152
    assert len(found["calibration"]) == 10
    assert found["calibration"][0]["expected"] > found["calibration"][-1]["expected"]
    low, high = found["calibration"][0]["interval"]
    assert low < found["calibration"][0]["actual"] < high
    assert len(found["weekly"]) == 77


def test_one_order_of_another_calendar_leaves_the_trial_as_it_is(emtiaz, tmp_path):
    path = tmp_path / "purchases.txt"
    line = " 00009 9999 14020501  1   10.00\n"
    path.write_text(Path(CDNOW[1]).read_text("utf-8") + line, "utf-8")
    plain = emtiaz("backtest", *CDNOW)
    outcome = emtiaz("backtest", "--transactions", path, *CDNOW[2:])
    assert outcome.code == 0
    assert "1 of the customers began long before all others" in outcome.out
    assert [row for row in outcome.cells if row[0] == "purchases made"] == [
        row for row in plain.cells if row[0] == "purchases made"
    ]


@pytest.mark.parametrize("command", ["train", "backtest"])
def test_four_pictures_are_drawn(emtiaz, tmp_path, command):
    outcome = emtiaz(command, *CDNOW, "--plots", tmp_path / "new" / "folder")
    assert outcome.code == 0
    drawn = {one.name for one in (tmp_path / "new" / "folder").iterdir()}
    assert drawn == {"calibration.svg", "lift.svg", "weekly.svg", "alive.svg"}
    assert outcome.err.count("drew ") == 4


def test_predictions_draw_who_is_alive(emtiaz, models, tmp_path):
    emtiaz("predict", *CDNOW, "--models", models, "--plots", tmp_path, "--format", "png")
    assert (tmp_path / "alive.png").read_bytes().startswith(b"\x89PNG")


def test_facts_tell_the_same_as_a_table(emtiaz, tmp_path):
    lines = Path(CDNOW[1]).read_text("ascii").splitlines()
    rows = []
    for number, line in enumerate(lines):
        _, customer, day, _, dollars = line.split()
        amount = {"amount": round(float(dollars) * 100), "currency": "USD"}
        rows.append(
            {
                "subject": f"cdnow-main:contact:{customer}", "type": "purchase", "id": str(number),
                "occurred_at": f"{day[:4]}-{day[4:6]}-{day[6:]}T12:00:00Z",
                "data": {"amount": amount},
            }
        )  # fmt: skip
    path = tmp_path / "facts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    of_facts = emtiaz("predict", "--facts", path).out
    assert of_facts.replace("cdnow-main:contact:", "") == emtiaz("predict", *CDNOW).out


SECOND = ("2026-01-01", "2026-02-01")
DEGENERATE = {
    "nobody bought twice": (
        [(n, f"2026-01-{1 + n % 28:02}", 10, n, "") for n in range(200)],
        "Nobody bought a second time",
    ),
    "one customer": (
        [(1, day, 10, day, "") for day in SECOND],
        "1 of the 100 customers that a model of purchases needs",
    ),
    "one purchase": ([(1, "2026-01-01", 10, "a", "")], "1 of the 100 customers"),
    "all alike": (
        [(n, day, 10, f"{n} {day}", "") for n in range(200) for day in SECOND],
        "All customers have the same history",
    ),
    "all on one day": (
        [(n, "2026-01-01", 10, f"{n} {k}", "") for n in range(200) for k in range(3)],
        "Nobody bought a second time",
    ),
    "amounts of nought": (
        [(n, f"2026-01-{1 + n % 28:02}", 0, n, "") for n in range(200)],
        "0 of the 100 customers",
    ),
    "all given back, and more": (
        [
            *((n, day, 10, f"{n} {day}", "") for n in range(200) for day in SECOND),
            *((n, "2026-03-01", -90, f"-{n} {day}", f"{n} {day}") for n in range(200)
              for day in SECOND),
        ],
        "0 of the 100 customers",
    ),
    "all in the future": (
        [(n, day, 10, f"{n} {day}", "") for n in range(200) for day in ("2126-01-01", "2126-05-01")],
        "0 of the 100 customers",
    ),
    "a heading alone": ([], "0 of the 100 customers"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["train", "predict"])
@pytest.mark.parametrize("case", DEGENERATE)
def test_what_cannot_be_predicted_is_told_in_a_sentence(emtiaz, table, command, case):
    rows, sentence = DEGENERATE[case]
    outcome = emtiaz(command, "--transactions", table(rows), "--currency", "USD")
    assert outcome.code == 1
    assert sentence in outcome.out + outcome.err


@pytest.mark.parametrize("case", DEGENERATE)
def test_what_cannot_be_tried_is_told_in_a_sentence(emtiaz, table, case):
    rows, _ = DEGENERATE[case]
    outcome = emtiaz("backtest", "--transactions", table(rows), "--currency", "USD")
    assert outcome.code == 1
    assert outcome.out == ""
    (sentence,) = [line for line in outcome.err.splitlines() if "do not count" not in line]
    assert any(
        why in sentence
        for why in ("too little to fit", "nobody has bought anything", "nothing lies between")
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_file_and_one_that_is_not_there_are_findings(emtiaz, tmp_path, command):
    (tmp_path / "empty.csv").write_text("")
    for name, told in (("empty.csv", "is empty"), ("none.csv", "No such file")):
        outcome = emtiaz(command, "--transactions", tmp_path / name)
        assert outcome.code == 1
        assert told in outcome.err


@pytest.mark.parametrize("command", COMMANDS)
def test_mistakes_are_told_by_file_and_line(emtiaz, table, command):
    path = table([(1, "2026-01-01", 10, "a", ""), (2, "soon", 10, "b", ""), (3, "", "x", "c", "")])
    outcome = emtiaz(command, "--transactions", path, "--currency", "USD")
    assert outcome.code == 1
    first, second, hint = outcome.err.splitlines()
    assert first.startswith(f"{path}:3: “soon” is no day that can be read")
    assert second.startswith(f"{path}:4: ")
    assert hint == "--skip-faults leaves such rows out"


def test_of_many_mistakes_the_first_are_told(emtiaz, table):
    path = table([(n, "soon", 10, n, "") for n in range(15)])
    told = emtiaz("train", "--transactions", path, "--currency", "USD").err.splitlines()
    assert len(told) == 12
    assert told[-2] == "and 5 rows more"


def test_rows_with_mistakes_can_be_left_out(emtiaz, table):
    path = table([(n, "soon" if n % 2 else "2026-01-01", 10, n, "") for n in range(8)])
    outcome = emtiaz("train", "--transactions", path, "--currency", "USD", "--skip-faults")
    assert "4 of 8 rows are left out" in outcome.err
    assert outcome.out.startswith("4 customers as of 2026-01-01")


def persian(text):
    return str(text).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))


def regulars(people, seed=5, since=date(2024, 3, 20), days=700):
    """(customer, day) of people who differ in how often they buy and when they stop."""
    random = Random(seed)
    for person in range(people):
        rate, day = random.gammavariate(0.8, 0.03), random.randrange(180)
        end = days if random.random() < 0.5 else random.randrange(180, days)
        while day <= end:
            yield person, since + timedelta(days=day)
            day += 1 + int(random.expovariate(max(rate, 1e-3)))


def test_a_table_in_persian_is_predicted_in_toman(emtiaz, table):
    from persiantools.jdatetime import JalaliDate

    rows = []
    for person, day in regulars(200):
        jalali = JalaliDate(day)
        written = persian(f"{jalali.year}/{jalali.month}/{jalali.day}")
        rows.append((f"مشتری {persian(person)}", written, f"{persian(120 + person)} هزار تومان"))
    path = table(rows, heading="مشتری,تاریخ خرید,مبلغ")
    outcome = emtiaz("predict", "--transactions", path, "--time-zone", "Asia/Tehran", "--json")
    first = json.loads(outcome.out.splitlines()[0])
    assert outcome.code == 0
    assert first["customer"].startswith("مشتری ")
    assert first["clv"]["currency"] == "IRR"
    assert first["spend"]["amount"] > 1_200_000


def test_of_a_table_without_sums_purchases_are_predicted_alone(emtiaz, table):
    path = table(regulars(200), heading="customer,date")
    outcome = emtiaz("predict", "--transactions", path, "--json")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 0
    assert rows[0]["expected_purchases"] > rows[-1]["expected_purchases"]
    assert {row["clv"] for row in rows} == {None}


def test_of_few_customers_a_rule_of_thumb_orders_them_and_says_so(emtiaz, table):
    path = table(regulars(60), heading="customer,date")
    outcome = emtiaz("predict", "--transactions", path, "--json")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 1
    assert "60 of the 100 customers" in outcome.err
    assert "rule of thumb" in outcome.err
    assert {row["method"] for row in rows} == {"rate"}


def test_counts_that_did_not_come_true_are_not_shown(emtiaz, table):
    """A shop that closed at two thirds of the time."""
    closed = date(2024, 3, 20) + timedelta(days=420)
    rows = [(who, day) for who, day in regulars(400, days=420) if day <= closed]
    last = (0, closed + timedelta(days=210))
    path = table(chain(rows, [last]), heading="customer,date")
    outcome = emtiaz("backtest", "--transactions", path)
    assert outcome.code == 1
    assert "off by more than a quarter" in outcome.err
    predicted = emtiaz("predict", "--transactions", path, "--json")
    assert json.loads(predicted.out.splitlines()[0])["expected_purchases"] is None


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_one_file_must_be_named(emtiaz, tmp_path, command):
    assert emtiaz(command).code == 2
    both = ("--facts", tmp_path / "a", "--transactions", tmp_path / "b")
    assert emtiaz(command, *both).code == 2


@pytest.mark.parametrize(
    "options",
    [("--at", "soon"), ("--time-zone", "Mars"), ("--currency", "shells"), ("--map", "Total")],
)
def test_options_that_cannot_be_read_are_usage(emtiaz, options):
    assert emtiaz("predict", "--transactions", "tests/data/cdnow/README.md", *options).code == 2


def test_a_file_that_holds_no_models_is_a_finding(emtiaz, tmp_path):
    path = tmp_path / "models.json"
    path.write_text('{"version": "x", "parameters": {"purchases": {"method": "model"}}}')
    outcome = emtiaz("predict", *CDNOW, "--models", path)
    assert outcome.code == 1
    assert "holds no models that training wrote" in outcome.err


def test_a_name_does_not_become_a_formula_in_a_spreadsheet(emtiaz, table, tmp_path):
    rows = ((f"=cmd{who}", day) for who, day in regulars(150))
    emtiaz(
        "predict", "--transactions", table(rows, heading="customer,date"),
        "--csv", tmp_path / "out.csv",
    )  # fmt: skip
    assert "\n'=cmd" in (tmp_path / "out.csv").read_text("utf-8").replace("\r", "")


def test_pictures_belong_to_a_file(emtiaz, tmp_path):
    assert emtiaz("train", "--plots", tmp_path).code == 2
