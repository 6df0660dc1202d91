"""Bulk API 2.0: query jobs, which take their time, and their results as CSV in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from flask import Blueprint, Response, g, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import ApiError, not_found
from infra.sandbox.salesforce.gate import root
from infra.sandbox.salesforce.ids import Numbering
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.rendering import table
from infra.sandbox.salesforce.rows_api import refused
from infra.sandbox.salesforce.settings import INTEGRATION_USER
from infra.sandbox.salesforce.soql import Answer, answer, parse
from infra.sandbox.salesforce.values import spell

LARGEST_PART = 50_000


@dataclass(frozen=True, slots=True)
class Job:
    """``looks`` is how often it is still asked for in vain; ``state`` is set when it is told."""

    id: str
    operation: str
    object: str
    found: Answer
    created: str
    looks: int
    state: str = "UploadComplete"

    def to_json(self) -> Wire:
        described: Wire = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": INTEGRATION_USER,
            "createdDate": self.created,
            "systemModstamp": self.created,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(g.version),
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        if self.state == "JobComplete":
            done = len(self.found.records)
            described |= {"jobType": "V2Query", "numberRecordsProcessed": done, "retries": 0}
        return described


class BulkApi:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._jobs: dict[str, Job] = {}
        self._numbering = Numbering()
        self._lock = Lock()

    def blueprint(self) -> Blueprint:
        api = Blueprint("bulk", __name__, url_prefix="/jobs/query")
        api.post("")(self.create)
        api.get("")(self.jobs)
        api.get("/<job_id>")(self.look)
        api.patch("/<job_id>")(self.abort)
        api.delete("/<job_id>")(self.delete)
        api.get("/<job_id>/results")(self.results)
        return api

    def create(self) -> Wire:
        body = request_body.json_object(refused)
        operation, text = body.get("operation"), body.get("query")
        if operation not in {"query", "queryAll"} or not isinstance(text, str):
            raise ApiError("INVALIDJOB", "operation and query are required")
        query = parse(text)
        if query.counts or query.children or query.offset:
            message = "A bulk query can neither count, nor nest, nor skip"
            raise ApiError("INVALIDENTITY", message)
        with self._org.lock:
            found = answer(self._org, query, root(), deleted=operation == "queryAll")
            job = Job(
                id=self._numbering.next("750"),
                operation=operation,
                object=query.source,
                found=found,
                created=spell(self._org.today()),
                looks=self._org.settings.bulk_looks,
            )
        with self._lock:
            self._jobs[job.id] = job
        return job.to_json()

    def jobs(self) -> Wire:
        with self._lock:
            return {"done": True, "records": [one.to_json() for one in self._jobs.values()]}

    def look(self, job_id: str) -> Wire:
        """Each look brings it further."""
        with self._lock:
            job = self._job(job_id)
            if job.state in {"UploadComplete", "InProgress"}:
                state = "InProgress" if job.looks else "JobComplete"
                job = replace(job, looks=max(0, job.looks - 1), state=state)
            self._jobs[job_id] = job
            return job.to_json()

    def abort(self, job_id: str) -> Wire:
        if request_body.json_object(refused).get("state") != "Aborted":
            raise ApiError("INVALIDJOBSTATE", "a query job can only be aborted")
        with self._lock:
            self._jobs[job_id] = replace(self._job(job_id), state="Aborted")
            return self._jobs[job_id].to_json()

    def delete(self, job_id: str) -> tuple[str, int]:
        with self._lock:
            self._job(job_id)
            del self._jobs[job_id]
        return "", 204

    def results(self, job_id: str) -> Response:
        """``Sforce-Locator`` says where the next part begins; the text ``null`` that none does."""
        with self._lock:
            job = self._job(job_id)
        if job.state != "JobComplete":
            raise ApiError("INVALIDJOBSTATE", f"The job is {job.state}")
        start, size = _start(), _size()
        part: Sequence[Wire] = job.found.records[start : start + size]
        end = start + size
        more = end < len(job.found.records)
        return Response(
            table(job.found.columns, part),
            mimetype="text/csv",
            headers={
                "Sforce-Locator": f"MTAw{end}" if more else "null",
                "Sforce-NumberOfRecords": str(len(part)),
            },
        )

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise not_found("Unable to find object with the given Id")
        return self._jobs[job_id]


def _start() -> int:
    """Locators mean nothing to anybody else."""
    locator = request.args.get("locator", "").removeprefix("MTAw")
    if locator and not locator.isdecimal():
        raise ApiError("INVALIDLOCATOR", "invalid locator")
    return int(locator or 0)


def _size() -> int:
    asked = request.args.get("maxRecords", "")
    return min(int(asked), LARGEST_PART) if asked.isdecimal() and int(asked) else LARGEST_PART
