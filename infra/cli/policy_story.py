"""``emtiaz policy list`` and ``policy story``: the policies that come along, and what they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Language, Text
from chalicelib.core.policy import Policy
from chalicelib.localization.dates import date_name
from chalicelib.policy import compile_policy
from infra import stories
from infra.cli.console import note, say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.options import AsJson
from infra.cli.policy_page import read_page, shipped_names, shipped_page
from infra.stories.play import Line, Scene, play

Words = Annotated[Language, typer.Option("--language", help="Of the texts.")]


def list_policies(*, language: Words = "en", as_json: AsJson = False) -> None:
    """List the policies that come along. Their names serve wherever a policy's file does."""
    rows = [(name, _serves(name), shipped_page(name)) for name in shipped_names()]
    if as_json:
        show_json([{"name": n, "for": _json(text), "file": str(path)} for n, text, path in rows])
    else:
        show_table(
            ("policy", "for"), [(name, text.in_language(language)) for name, text, _ in rows]
        )


def _serves(name: str) -> Text:
    return stories.load(name).serves


def story(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a shipped policy.")] = "",
    language: Words = "en",
    as_json: AsJson = False,
) -> None:
    """Play the story of a shipped policy: what happens, what is expected of it and what was found.

    Without a name, list all stories. Needs no AWS.
    """
    if not name:
        _list_stories(language, as_json=as_json)
        return
    if name not in stories.names():
        raise Finding(f"there is no story {name}; there are {', '.join(stories.names())}")
    told, policy = stories.load(name), compile_policy(read_page(shipped_page(name)))
    scenes = list(play(told, policy))
    if as_json:
        show_json({**_head(told), "steps": [_scene_json(scene) for scene in scenes]})
    else:
        _show(told, scenes, policy, language)
    if not all(scene.holds for scene in scenes):
        raise Finding("something else was found than the story expects")


def _list_stories(language: Language, *, as_json: bool) -> None:
    told = [stories.load(name) for name in stories.names()]
    if as_json:
        show_json([_head(one) for one in told])
    else:
        rows = [
            (o.name, o.title.in_language(language), o.about.in_language(language)) for o in told
        ]
        show_table(("story", "title", "about"), rows)


def _head(told: stories.Story) -> dict[str, Json]:
    return {"name": told.name, "title": _json(told.title), "about": _json(told.about)}


def _json(text: Text) -> Json:
    return {"en": text.en, "fa": text.fa}


def _scene_json(scene: Scene) -> Json:
    return {
        "at": iso(scene.step.at),
        "happens": _json(scene.step.happens),
        "holds": scene.holds,
        "lines": [
            {
                "name": line.name,
                "expected": line.expected,
                "found": line.found,
                "holds": line.holds,
                "because": line.because,
            }
            for line in scene.lines
        ],
    }


def _show(told: stories.Story, scenes: Sequence[Scene], policy: Policy, language: Language) -> None:
    say(f"{told.title.in_language(language)}\n{told.about.in_language(language)}")
    texts = _texts(policy, language)
    for number, scene in enumerate(scenes, start=1):
        day = date_name(scene.step.at.astimezone(policy.time_zone).date(), policy.calendar)
        told_as = f"{day.in_language(language)}: {scene.step.happens.in_language(language)}"
        say(f"\n{number}. {told_as}")
        if scene.lines:
            columns = ("", "", "expected", "found", "because")
            show_table(columns, [_cells(line, texts, language) for line in scene.lines])
    held = sum(scene.holds for scene in scenes)
    note(f"{held} of {len(scenes)} steps are as expected")


def _texts(policy: Policy, language: Language) -> Mapping[str, Mapping[str, str]]:
    """Of actions by what is expected of them and id."""
    of = {"next_action": "text", "campaign": "campaign", "service_level": "service_level"}
    return {name: dict(_words(policy, member, language)) for name, member in of.items()}


def _words(policy: Policy, member: str, language: Language) -> Iterator[tuple[str, str]]:
    for action in policy.actions:
        told: Any = getattr(action, member)
        if told is not None:
            text: Text = getattr(told, "text", told)
            yield action.id, text.in_language(language)


def _cells(
    line: Line, texts: Mapping[str, Mapping[str, str]], language: Language
) -> Sequence[object]:
    of = texts.get(line.name, {})
    sign = "✓" if line.holds else "✗"
    expected, found = (_cell(value, of, language) for value in (line.expected, line.found))
    return sign, line.name, expected, found, line.because


def _cell(value: Json, texts: Mapping[str, str], language: Language) -> str:
    match value:
        case None:
            return "none"
        case list():
            return " · ".join(_cell(one, texts, language) for one in value)
        case {"en": str(en), "fa": str(fa)}:
            return Text(en, fa).in_language(language)
        case dict():
            return ", ".join(f"{name} {points}" for name, points in value.items())
        case _:
            return texts.get(str(value), str(value))
