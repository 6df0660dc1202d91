"""``python -m infra.cli.reference`` writes the pages of ``docs/reference`` that code tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from chalicelib.events.validation import schema as event_schema
from chalicelib.points.document import document as points_document
from chalicelib.policy.schema import policy_schema
from infra.cli import app, policy_reference

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGE = FOLDER / "cli.md"
SCHEMA = FOLDER / "policy.schema.json"
EVENT_SCHEMA = FOLDER / "event.schema.json"
POINTS = FOLDER / "points.openapi.json"
POLICY = FOLDER / "policy.md"


def text() -> str:
    command = typer.main.get_command(app)
    page = get_docs_for_click(obj=command, ctx=typer.Context(command), name="emtiaz")
    return page.replace("# `emtiaz`", "# The command `emtiaz`", 1).strip() + "\n"


def schema_text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
    SCHEMA.write_text(schema_text(policy_schema()), "utf-8")
    EVENT_SCHEMA.write_text(schema_text(event_schema()), "utf-8")
    POINTS.write_text(schema_text(points_document()), "utf-8")
    POLICY.write_text(policy_reference.text(), "utf-8")
