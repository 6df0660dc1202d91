"""Structured log lines: one JSON object each, of ids and numbers only.

What a CRM tells about a person never enters a log: callers name the members that they log,
and there is no way to log a whole event.
"""

from __future__ import annotations

import json
import logging
import sys

from chalicelib.core.model import Json

_LOGGER = logging.getLogger("emtiaz")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Json] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "ids", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def start_logging() -> None:
    """Send our lines to standard output, where Lambda collects them."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def info(event: str, **ids: Json) -> None:
    _LOGGER.info(event, extra={"ids": ids})


def warning(event: str, **ids: Json) -> None:
    _LOGGER.warning(event, extra={"ids": ids})


def exception(event: str, **ids: Json) -> None:
    """With the traceback of the exception being handled."""
    _LOGGER.error(event, exc_info=True, extra={"ids": ids})  # noqa: LOG014 - the caller handles one
