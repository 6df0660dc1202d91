"""A record as a rep would see it, and the list of all: pages that refresh themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from flask import Blueprint, redirect, render_template
from werkzeug.wrappers import Response

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.record_page.view import by_score


class People(Protocol):
    """Those whom the pages show."""

    def rows(self) -> Sequence[Wire]:
        """``{"id", "name", "company", "panel"}`` of each."""
        ...

    def list_version(self) -> str:
        """Changes when any of the rows does."""
        ...

    def view(self, record_id: str) -> Mapping[str, Any]:
        """``{"name", "company", "about", "panel", "deals", "moments"}``."""
        ...

    def version(self, record_id: str) -> str:
        """Changes when the view does."""
        ...


class RecordPage:
    """``listing`` is the address of the list, ``record`` ends where a record's id begins.

    ``whom`` is what those are called whom the list shows.
    """

    def __init__(
        self, brand: str, listing: str, record: str, people: People, whom: str = "contacts"
    ) -> None:
        self._named = {"brand": brand, "whom": whom}
        self._list = listing
        self._record = record
        self._people = people

    def blueprint(self) -> Blueprint:
        page = Blueprint(
            "page",
            __name__,
            template_folder="templates",
            static_folder="static",
            static_url_path="/_static",
        )
        page.get("/")(self.home)
        page.get(self._list)(self.listing)
        page.get(f"{self._list}/state")(self.listing_state)
        page.get(f"{self._record}<path:record_id>")(self.record)
        page.get(f"{self._record}<path:record_id>/state")(self.record_state)
        return page

    def home(self) -> Response:
        return redirect(self._list)

    def listing(self) -> str:
        rows = sorted(self._people.rows(), key=by_score)
        return render_template("contacts.html", rows=rows, root=self._record, **self._named)

    def listing_state(self) -> Wire:
        return {"version": self._people.list_version()}

    def record(self, record_id: str) -> str:
        view = self._people.view(record_id)
        return render_template("contact.html", **view, **self._named)

    def record_state(self, record_id: str) -> Wire:
        """What the page's script asks for every second."""
        return {"version": self._people.version(record_id)}
