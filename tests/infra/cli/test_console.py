import io

import pytest
from rich.console import Console

from infra.cli import console
from infra.cli.exits import Declined


@pytest.fixture
def terminal(monkeypatch):
    drawn = io.StringIO()
    for name in ("OUT", "ERR"):
        screen = Console(file=drawn, force_terminal=True, highlight=False, width=60)
        monkeypatch.setattr(console, name, screen)
    return drawn


def test_a_terminal_gets_a_drawn_table(terminal):
    console.show_table(("id", "reason"), [("1", "locked")])
    assert "┃" in terminal.getvalue()
    assert "reason" in terminal.getvalue()


def test_a_narrow_terminal_breaks_long_cells_and_cuts_nothing(terminal):
    columns = ("customer", "last", "churn", "spend", "within", "cluster", "buys in 30 days")
    row = ("1081", "1998-05-17", "low", "100.11 USD", "recent and frequent", "high value", "49.7%")
    console.show_table(columns, [row])
    drawn = terminal.getvalue()
    assert "1998-05-17" in drawn
    assert "…" not in drawn
    assert "┃" not in drawn


def test_text_of_a_crm_is_not_markup(terminal):
    console.show_table(("name",), [("[bold red]Ada[/]",)])
    console.say("[link=https://evil.example]Ada[/]")
    assert terminal.getvalue().count("[bold red]Ada[/]") == 1
    assert terminal.getvalue().count("[link=https://evil.example]Ada[/]") == 1


def test_anything_but_a_terminal_gets_cells_without_a_frame(capsys):
    console.show_table(("id", "reason"), [("1", "locked"), ("2", "a\tb")])
    assert capsys.readouterr().out == "1\tlocked\n2\ta\ufffdb\n"


def test_persian_passes_unchanged():
    assert console.clean("می‌خواهم") == "می‌خواهم"


def test_yes_is_not_asked_and_silence_is_no():
    console.confirm("Really?", yes=True)
    with pytest.raises(Declined, match="--yes"):
        console.confirm("Really?", yes=False)
