"""Every command and option stands in the reference, as it is."""

import typer

from infra.cli import app, reference


def test_the_reference_is_what_the_commands_say():
    written = reference.PAGE.read_text("utf-8")
    assert written == reference.text(), "run: make docs"


def test_every_command_says_what_it_does():
    def commands(group, path=()):
        for name, command in group.commands.items():
            yield (*path, name), command
            yield from commands(command, (*path, name)) if hasattr(command, "commands") else ()

    all_commands = dict(commands(typer.main.get_command(app)))
    assert ("dlq", "redrive") in all_commands
    assert [path for path, command in all_commands.items() if not command.help] == []


def test_every_option_says_what_it_is_for():
    def silent(group, path=()):
        for name, command in group.commands.items():
            asked = [
                one for one in command.params if not one.help and one.param_type_name == "option"
            ]
            yield from ((*path, name, one.name) for one in asked)
            yield from silent(command, (*path, name)) if hasattr(command, "commands") else ()

    assert list(silent(typer.main.get_command(app))) == []


def test_commands_that_read_have_json_and_commands_that_change_have_dry_run():
    def options(command):
        return {flag for parameter in command.params for flag in parameter.opts}

    commands = typer.main.get_command(app).commands
    reading = ["status", "score", "explain"]
    changing = ["deploy", "connect", "provision", "backfill"]
    assert all("--json" in options(commands[name]) for name in reading)
    assert all("--dry-run" in options(commands[name]) for name in changing)
    for group in ("parked", "dlq", "events"):
        listing, acting = commands[group].commands.values()
        assert "--json" in options(listing)
        assert "--dry-run" in options(acting)
