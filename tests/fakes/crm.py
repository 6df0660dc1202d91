"""A CRM in memory: it holds facts by subject, takes fields, and fails when told to."""

from collections import deque
from dataclasses import dataclass

from chalicelib.core.connector import Account, Change, Page


@dataclass
class Failure:
    method: str
    error: Exception
    applied: bool


class FakeCrm:
    """``facts`` is what ``fetch`` finds, ``fields`` what the records show, ``calls`` who asked.

    ``refusals`` maps a ref to the error that ``write`` gives for it.
    """

    def __init__(self, *, write_batch=100, page_size=100, account=None):
        self.write_batch = write_batch
        self.page_size = page_size
        self.facts = {}
        self.fields = {}
        self.refusals = {}
        self.provisioned = set()
        self.calls = []
        self._account = account or Account("424242", "USD", "UTC")
        self._subjects_of = {}
        self._failures = deque()

    def put(self, subject, *facts):
        """The record exists, and these facts are all there is to know of it."""
        self.facts[subject] = tuple(facts)

    def link(self, record, *subjects):
        """A change of this record (a deal, a company) can move the score of these subjects."""
        self._subjects_of[record] = tuple(subjects)

    def delete(self, subject):
        self.facts.pop(subject, None)
        self.fields.pop(subject, None)

    def fail_next(self, method, error, *, applied=False):
        """The next call of ``method`` raises; ``applied`` lets it take effect before."""
        self._failures.append(Failure(method, error, applied))

    def called(self, method):
        """What each call of ``method`` was given."""
        return [given for name, given in self.calls if name == method]

    def account(self):
        return self._answer("account", None, lambda: self._account)

    def subjects(self, refs):
        def answer():
            return {ref: self._subjects_of.get(ref, _itself(ref)) for ref in refs}

        return self._answer("subjects", tuple(refs), answer)

    def fetch(self, subjects, now):
        def answer():
            return {ref: self.facts[ref] for ref in subjects if ref in self.facts}

        return self._answer("fetch", tuple(subjects), answer)

    def list_subjects(self, cursor):
        def answer():
            start = int(cursor or 0)
            refs = sorted(self.facts)
            end = start + self.page_size
            return Page(tuple(refs[start:end]), str(end) if end < len(refs) else None, len(refs))

        return self._answer("list_subjects", cursor, answer)

    def write(self, updates):
        def answer():
            for update in updates:
                if update.ref not in self.refusals:
                    self.fields.setdefault(update.ref, {}).update(update.fields)
            return {u.ref: self.refusals[u.ref] for u in updates if u.ref in self.refusals}

        return self._answer("write", tuple(updates), answer)

    def plan(self, outputs, language):
        missing = [one for one in outputs if one.name not in self.provisioned]
        return tuple(Change("create", one.name, one.label.in_language(language)) for one in missing)

    def provision(self, outputs, language):
        changes = self.plan(outputs, language)
        self.provisioned |= {change.target for change in changes}
        return changes

    def _answer(self, method, given, answer):
        self.calls.append((method, given))
        failure = self._failures[0] if self._failures else None
        if failure is None or failure.method != method:
            return answer()
        self._failures.popleft()
        if failure.applied:
            answer()
        raise failure.error


def _itself(ref):
    return (ref,) if ref.kind in ("contact", "lead", "account") else ()
