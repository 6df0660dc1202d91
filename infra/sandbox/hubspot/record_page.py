"""A contact as a rep would see it, and the list of all: pages that refresh themselves."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from werkzeug.wrappers import Response

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.record_view import (
    by_score,
    contact_row,
    contact_view,
    shown_records,
    version_of,
)
from infra.sandbox.hubspot.records import CONTACTS


class RecordPage:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._root = f"/contacts/{portal.settings.portal_id}"
        self._list = f"{self._root}/objects/0-1/views/all/list"

    def blueprint(self) -> Blueprint:
        page = Blueprint(
            "page",
            __name__,
            template_folder="templates",
            static_folder="static",
            static_url_path="/_static",
        )
        page.get("/")(self.home)
        page.get(self._list)(self.contacts)
        page.get(f"{self._list}/state")(self.contacts_state)
        page.get(f"{self._root}/record/0-1/<contact_id>")(self.contact)
        page.get(f"{self._root}/record/0-1/<contact_id>/state")(self.contact_state)
        return page

    def home(self) -> Response:
        return redirect(self._list)

    def contacts(self) -> str:
        with self._portal.lock:
            found = [contact_row(self._portal, one) for one in self._portal.records(CONTACTS)]
        return render_template("contacts.html", rows=sorted(found, key=by_score), root=self._root)

    def contacts_state(self) -> Wire:
        return {"version": version_of(self._portal.records(CONTACTS))}

    def contact(self, contact_id: str) -> str:
        with self._portal.lock:
            view = contact_view(self._portal, self._portal.get(CONTACTS, contact_id))
        return render_template("contact.html", **view)

    def contact_state(self, contact_id: str) -> Wire:
        """What the page's script asks for every second."""
        with self._portal.lock:
            contact = self._portal.get(CONTACTS, contact_id)
            return {"version": version_of(shown_records(self._portal, contact))}
