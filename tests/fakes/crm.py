"""A CRM in memory: it holds facts by subject, takes fields, and fails when told to."""

from collections import deque
from dataclasses import dataclass, replace

from chalicelib.core.connector import Account, Change, Page, Reading
from chalicelib.core.errors import RecordGone, WriteRefused, WrittenInPart


@dataclass
class Failure:
    method: str
    error: Exception
    applied: bool


class FakeCrm:
    """``facts`` is what ``fetch`` finds, ``fields`` what the records show, ``calls`` who asked.

    ``refusals`` maps a ref to the error that ``write`` gives for it, ``lacking`` an output to the
    field that is not there. ``bin`` holds what was
    deleted and can be restored, ``merged`` the survivor by loser, ``entries`` every value that
    was ever set on a record, in order.
    """

    def __init__(self, *, write_batch=100, page_size=100, account=None):
        self.write_batch = write_batch
        self.page_size = page_size
        self.facts = {}
        self.fields = {}
        self.refusals = {}
        self.lacking = {}
        self.provisioned = set()
        self.bin = {}
        self.merged = {}
        self.entries = []
        self.owners = {}
        self.errands = []
        self.changes = []
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
        self.bin[subject] = self.facts.pop(subject), self.fields.pop(subject, {})

    def restore(self, subject):
        self.facts[subject], self.fields[subject] = self.bin.pop(subject)

    def remove(self, subject):
        """For good: a privacy deletion."""
        self.facts.pop(subject, None)
        self.bin.pop(subject, None)
        self.fields.pop(subject, None)

    def merge(self, loser, survivor, *facts):
        """From now on the CRM answers for ``loser`` with ``survivor``, of whom these are the facts."""
        self.facts.pop(loser, None)
        self.fields.pop(loser, None)
        self.merged[loser] = survivor
        self.put(survivor, *facts)

    def fail_next(self, method, error, *, applied=False):
        """The next call of ``method`` raises; ``applied`` lets it take effect before."""
        self._failures.append(Failure(method, error, applied))

    def forget_failures(self):
        self._failures.clear()

    def called(self, method):
        """What each call of ``method`` was given."""
        return [given for name, given in self.calls if name == method]

    def account(self):
        return self._answer("account", None, lambda: self._account)

    def subjects(self, refs):
        def answer():
            return {ref: self._subjects_of.get(ref, _itself(ref)) for ref in refs}

        return self._answer("subjects", tuple(refs), answer)

    def fetch(self, subjects, now, *, history=False):
        def answer():
            moved = {ref: self.merged[ref] for ref in subjects if ref in self.merged}
            found = [ref for ref in (*subjects, *moved.values()) if ref in self.facts]
            gone = frozenset(ref for ref in subjects if ref in self.bin)
            return Reading({ref: as_read(self.facts[ref], now) for ref in found}, gone, moved)

        return self._answer("fetch_history" if history else "fetch", tuple(subjects), answer)

    def changed_since(self, since, cursor):
        """``changes`` are pairs of an instant and a ref."""

        def answer():
            refs = [ref for at, ref in sorted(self.changes) if at >= since]
            start = int(cursor or 0)
            end = start + self.page_size
            return Page(tuple(refs[start:end]), str(end) if end < len(refs) else None)

        return self._answer("changed_since", (since, cursor), answer)

    def shown(self, refs, outputs):
        def answer():
            names = [output.name for output in outputs]
            return {
                ref: {name: self.fields.get(ref, {}).get(name) for name in names}
                for ref in refs
                if ref in self.facts
            }

        return self._answer("shown", tuple(refs), answer)

    def list_subjects(self, cursor):
        def answer():
            start = int(cursor or 0)
            refs = sorted(self.facts)
            end = start + self.page_size
            return Page(tuple(refs[start:end]), str(end) if end < len(refs) else None, len(refs))

        return self._answer("list_subjects", cursor, answer)

    def write(self, updates):
        def answer():
            refusals = {u.ref: refusal for u in updates if (refusal := self._refusal(u.ref))}
            for update in updates:
                if update.ref not in refusals:
                    taken = {n: v for n, v in update.fields.items() if n not in self.lacking}
                    self.fields.setdefault(update.ref, {}).update(taken)
                    self.entries += [(update.ref, *item) for item in taken.items()]
            return {**self._in_part(updates), **refusals}

        return self._answer("write", tuple(updates), answer)

    def _in_part(self, updates):
        left = {u.ref: self.lacking.keys() & u.fields.keys() for u in updates}
        return {
            ref: WrittenInPart({name: self.lacking[name] for name in names})
            for ref, names in left.items()
            if names
        }

    def assign(self, owners):
        """``owners`` holds whose customer each is."""

        def answer():
            refusals = {ref: refusal for ref in owners if (refusal := self._not_to_own(ref))}
            self.owners |= {ref: one for ref, one in owners.items() if ref not in refusals}
            return refusals

        return self._answer("assign", dict(owners), answer)

    def create_task(self, subject, errand):
        self._keep_errand("crm_task", subject, errand)

    def create_note(self, subject, errand):
        self._keep_errand("crm_note", subject, errand)

    def _keep_errand(self, way, subject, errand):
        """``errands`` holds every task and note that was made."""
        self._answer(way, subject, lambda: self.errands.append((way, subject, errand)))

    def _not_to_own(self, ref):
        owner = self.owners.get(ref)
        return WriteRefused(f"owner {owner} has them already") if owner else self._refusal(ref)

    def plan(self, outputs, language, kinds=("contact",)):
        missing = [one for one in outputs if one.name not in self.provisioned]
        lacking = (Change("conflict", field, "is not there") for field in self.lacking.values())
        return (
            *lacking,
            *(Change("create", one.name, one.label.in_language(language)) for one in missing),
        )

    def provision(self, outputs, language, kinds=("contact",)):
        def answer():
            changes = self.plan(outputs, language)
            self.provisioned |= {change.target for change in changes}
            return changes

        return self._answer("provision", tuple(kinds), answer)

    def _refusal(self, ref):
        if ref in self.bin or ref in self.merged:
            return RecordGone(f"{ref} is gone")
        return self.refusals.get(ref)

    def _answer(self, method, given, answer):
        self.calls.append((method, given))
        failure = self._failures[0] if self._failures else None
        if failure is None or failure.method != method:
            return answer()
        self._failures.popleft()
        if failure.applied:
            answer()
        raise failure.error


class ForgetfulCrm(FakeCrm):
    """One that rings for some days only, deletes what it merges, and chooses names of its own.

    ``lapsed`` are subscriptions that ended, ``broken`` those that cannot be had again. The
    survivor of a merge is whoever has the same e-mail address.
    """

    def __init__(self, **settings):
        super().__init__(**settings)
        self.lapsed = []
        self.broken = {}
        self.is_subscribed = False

    def absorb(self, loser, survivor, *facts):
        """A merge: all that is left of ``loser`` is that there is no such record."""
        self.remove(loser)
        self.put(survivor, *facts)

    def subscribe(self):
        def answer():
            mended, self.lapsed = self.lapsed, []
            self.is_subscribed = True
            changes = [Change("create", name, "rings again") for name in mended]
            return (*changes, *(Change("conflict", *fault) for fault in self.broken.items()))

        return self._answer("subscribe", None, answer)

    def unsubscribe(self):
        self._answer("unsubscribe", None, lambda: setattr(self, "is_subscribed", False))

    def heirs(self, gone):
        def answer():
            living = {mail: ref for ref in self.facts if (mail := email_of(self.facts[ref]))}
            wanted = {ref: email_of(facts) for ref, facts in gone.items()}
            return {ref: living[mail] for ref, mail in wanted.items() if mail in living}

        return self._answer("heirs", dict(gone), answer)

    def details(self, outputs, language, kinds):
        names = {f"field.{kind}.{one.name}": f"Toy_{one.name}" for kind in kinds for one in outputs}
        return self._answer("details", None, lambda: names)


def email_of(facts):
    records = (fact for fact in facts if fact.type == fact.subject.kind)
    return next((fact.data.get("email") for fact in records), None)


def as_read(facts, now):
    """States are as new as their reading; what happened, happened when it did."""
    return tuple(
        fact if fact.type == "activity" else replace(fact, occurred_at=max(now, fact.occurred_at))
        for fact in facts
    )


def _itself(ref):
    return (ref,) if ref.kind in ("contact", "lead", "account") else ()
