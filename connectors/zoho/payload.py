"""The body of a delivery, JSON or a form, as one object."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.core.connector import Request
from chalicelib.core.errors import PayloadInvalid
from connectors._json import strict_json

MOST_PARAMETERS = 40
"""Zoho sends no more: 25 of the record, 10 fixed ones, one of the admin's own."""


def content(request: Request) -> Mapping[str, Any]:
    """Raises PayloadInvalid for what is neither."""
    header = request.headers.get("content-type", "")
    match header.split(";")[0].strip().lower():
        case "application/x-www-form-urlencoded":
            return _form(request.body)
        case "multipart/form-data":
            return _parts(header, request.body)
        case _:
            return _object(request.body)


def _object(body: bytes) -> Mapping[str, Any]:
    value = strict_json(body)
    if not isinstance(value, dict):
        raise PayloadInvalid("not an object")
    return value


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError as fault:
        raise PayloadInvalid("not a form in UTF-8") from fault
    return dict(pairs)


def _parts(header: str, body: bytes) -> Mapping[str, str]:
    message = message_from_bytes(b"Content-Type: " + _plain(header) + b"\r\n\r\n" + body)
    parts = message.get_payload() if message.is_multipart() else []
    if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_PARAMETERS:
        raise PayloadInvalid("not a form of several parts")
    return dict(map(_part, parts))


def _plain(header: str) -> bytes:
    return " ".join(header.split()).encode(errors="replace")


def _part(part: Any) -> tuple[str, str]:
    name = part.get_param("name", header="content-disposition")
    value = part.get_payload(decode=True)
    if not isinstance(name, str) or not isinstance(value, bytes):
        raise PayloadInvalid("a part of the form has no name or no value")
    try:
        return name, value.decode()
    except ValueError as fault:
        raise PayloadInvalid("not a form in UTF-8") from fault
