"""A policy as an admin writes it: a page of YAML."""

from __future__ import annotations

from pathlib import Path

import yaml

import chalicelib.policy
from chalicelib.core.model import Json
from chalicelib.policy import PolicyInvalid, validate
from infra.cli.exits import Finding

Page = dict[str, Json]

SHIPPED = Path(chalicelib.policy.__file__).parent / "shipped" / "starter.yaml"


def read_page(path: Path) -> Page:
    """The canonical page, checked. Raises Finding with the place and what is wrong there."""
    try:
        page = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Finding(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise Finding(f"{path}: not YAML: {error}") from error
    if not isinstance(page, dict):
        raise Finding(f"{path}: a policy is a mapping with name, attributes, lead …")
    try:
        validate(page)
    except PolicyInvalid as error:
        raise Finding(f"{path}:\n{error}") from error
    return page
