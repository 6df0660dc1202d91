"""Bulk read: a job that collects a module's records, and its result as a CSV in a ZIP."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.rate_limit import Rate, RollingWindow
from infra.sandbox.zoho.batches import json_body, success
from infra.sandbox.zoho.errors import ApiError, invalid, missing
from infra.sandbox.zoho.gate import Needs, Routes
from infra.sandbox.zoho.instants import spell
from infra.sandbox.zoho.limits import too_many
from infra.sandbox.zoho.modules import LEADS, Module, module_named
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import ROBOT
from infra.sandbox.zoho.records import Value
from infra.sandbox.zoho.wire import plain

PER_PAGE = 200_000
MOST_FIELDS = 200
DOWNLOADS = Rate(10, 60.0)
QUEUED, WORKED = timedelta(seconds=1), timedelta(seconds=2)
"""After its beginning a job is in progress, and then done."""

_SILENT = ("Notes", "Attachments", "Emails")
_PATH = "/crm/bulk/v8/read"


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    module: Module
    fields: tuple[str, ...]
    page: int
    begun_at: datetime

    def state(self, now: datetime) -> str:
        age = now - self.begun_at
        return "ADDED" if age < QUEUED else "IN PROGRESS" if age < WORKED else "COMPLETED"


class BulkReadApi:
    """``at_once``: jobs are done as soon as they are begun."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.at_once = False
        self._jobs: dict[str, Job] = {}
        self._downloads = RollingWindow(DOWNLOADS, lambda: org.now().timestamp())

    def add_to(self, routes: Routes) -> None:
        routes.add(f"POST {_PATH}", self.begin, Needs("bulk.CREATE"))
        routes.add(f"GET {_PATH}/<job_id>", self.look, Needs("bulk.READ"))
        routes.add(f"GET {_PATH}/<job_id>/result", self.result, Needs("bulk.READ"))

    def begin(self) -> tuple[Wire, int]:
        query = json_body().get("query")
        if not isinstance(query, dict):
            raise missing("query")
        module = module_named(str((query.get("module") or {}).get("api_name")))
        if module.name in _SILENT:
            raise ApiError(400, "INVALID_MODULE", "the module is not supported in bulk read")
        if query.get("criteria"):
            raise invalid("this stand-in takes no criteria", api_name="criteria")
        fields = tuple(query.get("fields") or self._org.schema.fields(module))
        if len(fields) > MOST_FIELDS:
            raise invalid("invalid data", api_name="fields", maximum_length=MOST_FIELDS)
        for name in fields:
            self._org.schema.get(module, name.partition(".")[0])
        with self._org.lock:
            job_id, now = self._org.new_id(), self._org.now()
            self._jobs[job_id] = job = Job(job_id, module, fields, query.get("page", 1), now)
        details = {"id": job.id, "operation": "read", **self._made(job)}
        entry = success("Added successfully.", details | {"state": "ADDED"})
        return {"data": [entry | {"code": "ADDED_SUCCESSFULLY"}], "info": {}}, 201

    def look(self, job_id: str) -> Wire:
        job = self._job(job_id)
        body: Wire = {
            "id": job.id,
            "operation": "read",
            "state": self._state(job),
            "query": {
                "module": {"api_name": job.module.name, "id": job.module.id},
                "fields": list(job.fields),
                "page": job.page,
            },
            "file_type": "csv",
            **self._made(job),
        }
        if body["state"] == "COMPLETED":
            rows, more = self._rows(job)
            body["result"] = {
                "page": job.page,
                "count": len(rows),
                "per_page": PER_PAGE,
                "more_records": more,
                "download_url": f"{_PATH}/{job.id}/result",
            }
        return {"data": [body]}

    def result(self, job_id: str) -> Response:
        job = self._job(job_id)
        if self._state(job) != "COMPLETED":
            raise ApiError(400, "INVALID_REQUEST", "the job is not completed", {"id": job.id})
        if self._downloads.count():
            raise too_many("More than ten downloads of bulk read results in a minute.")
        rows, _ = self._rows(job)
        headers = {"Content-Disposition": f"attachment; filename={job.id}.zip"}
        body = _zipped(f"{job.id}.csv", job.fields, rows)
        return Response(body, headers=headers, mimetype="application/zip")

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise ApiError(404, "RESOURCE_NOT_FOUND", "the job does not exist", {"id": job_id})
        return self._jobs[job_id]

    def _state(self, job: Job) -> str:
        return "COMPLETED" if self.at_once else job.state(self._org.now())

    def _made(self, job: Job) -> Wire:
        at = spell(job.begun_at, self._org.settings.time_zone)
        return {"created_by": ROBOT.to_json(), "created_time": at}

    def _rows(self, job: Job) -> tuple[list[list[Value]], bool]:
        with self._org.lock:
            found = self._org.records(job.module)
            listed = [one for one in found if job.module is not LEADS or not one.converted]
            start = (job.page - 1) * PER_PAGE
            fields = [self._org.schema.get(job.module, name) for name in job.fields]
            rows = [
                [plain(self._org, one, self._org.value(record, one.name)) for one in fields]
                for record in listed[start : start + PER_PAGE]
            ]
        return rows, start + PER_PAGE < len(listed)


def _zipped(name: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([{"id": "Id"}.get(one, one) for one in header])
    writer.writerows(rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text.getvalue())
    return packed.getvalue()
