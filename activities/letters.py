"""The words of a notice: what one person reads about one matter, in the language of that person."""

from __future__ import annotations

from collections.abc import Iterator

from activities.gate_letters import NOTES
from activities.mail import Section
from activities.question_letters import Ask, Questions
from activities.words import ROLES, WAITED_FOR
from workflows.rules.calendar import oslo_day
from workflows.rules.events import AnswerOverdue, Asked, DueDateChanged, Escalated, Informed, Reminded
from workflows.rules.gate import Pending, pending


class Pen(Questions):
    """Writes one letter: to one person, about one matter, in one language."""

    def letter(self) -> tuple[str, list[Section]] | None:
        """Subject and sections; None when the person is not, or no longer, waited for."""
        _ = self.t
        body = self.m.fact.body
        match body:
            case Asked():
                holder = next((h for h in body.people if h.person == self.person.id), None)
                if holder is None:
                    return None
                asked = oslo_day(self.m.fact.recorded)
                return self._asked([Ask(body.what, body.role, holder, asked, body.version)])
            case Reminded():
                asks = list(self.waited_for())
                if not asks:
                    return None
                subject, sections = self._asked(asks)
                return _("Påminnelse: {subject}").format(subject=subject), sections
            case Escalated():
                return self._escalated(body)
            case Informed():
                return self.informed()
        if not isinstance(body, NOTES):
            raise LookupError(f"Nobody is told of a fact of the kind {self.m.fact.kind}.")
        piece = self.note(body)
        first = Section(text=piece.text, items=piece.items, commands=piece.commands)
        return piece.subject, [first, *self._law(), *self.contact()]

    def is_news(self) -> bool:
        """Whether there still is something to tell: a letter never asks for what is done, or of another."""
        m = self.m
        match m.fact.body:
            case Asked(what=what, role=role, version=version):
                return any((a.what, a.role, a.version) == (what, role, version) for a in self.waited_for())
            case Reminded():
                return any(ask.what != "answer" for ask in self.waited_for())
            case Escalated() | DueDateChanged():
                return m.here.settled is None
            case Informed():
                return m.here.settled == "closed"
            case AnswerOverdue(version=version):
                return self.answer_due(version) is not None
        return True

    # --- a broken deadline ---------------------------------------------------------------------------

    def _escalated(self, body: Escalated) -> tuple[str, list[Section]]:
        _ = self.t
        m = self.m
        subject = _("Frist brutt: {step} – {unit}, skulle vært gjort {day}").format(
            step=self.step, unit=self.unit, day=self._short(m.here.due)
        )
        lines = self.overdue(body)
        waiting = pending(m.step, m.here, m.situation.organisation, m.day)
        items = [self._part(p, self._since(p)) for p in waiting]
        sections = [
            Section(text=tuple(lines)),
            Section(heading=_("Det ventes på"), items=tuple(items)),
            *self._what_now(),
            Section(heading=_("Hva som skjer videre"), text=(self._next_rung(m.day),)),
            *self._law(),
            *self.contact(),
        ]
        return subject, sections

    def overdue(self, body: Escalated) -> list[str]:
        """How far past its due date the step is, and what that has led to."""
        m = self.m
        days = max((m.day - m.here.due).days, 0)
        since = self.t.ngettext(
            "«{step}» for {unit}, {year}, er {days} dag over fristen, som var {day}.",
            "«{step}» for {unit}, {year}, er {days} dager over fristen, som var {day}.",
            days,
        ).format(days=days, day=self._long(m.here.due), **self._place())
        return [since, *self._consequences(body.deviation, body.wec_item, to_come=False)]

    def awaited(self) -> list[str]:
        """The roles that the step waits for."""
        _ = self.t
        m = self.m
        roles = dict.fromkeys(p.role for p in pending(m.step, m.here, m.situation.organisation, m.day))
        who = self._join(_(ROLES[role][1]) for role in roles)
        return [_("Det ventes på {who}.").format(who=who)] if roles else []

    def _what_now(self) -> Iterator[Section]:
        """Whoever is told of a broken deadline may be the one who is waited for."""
        _ = self.t
        if asks := list(self.waited_for()):
            yield Section(text=(_("Det er deg det ventes på."), *map(self._capacity, asks)))
            for ask in asks:
                yield from self._task(ask)
            return
        todo = _(
            "Sørg for at de det ventes på, får tid og hjelp til å svare. Du kan ikke svare for dem, "
            "og ingenting er godkjent fordi fristen er ute."
        )
        yield Section(heading=_("Hva du kan gjøre"), text=(todo,), commands=(self.look(),))

    def _since(self, p: Pending) -> str:
        _ = self.t
        what = _(WAITED_FOR[p.what])
        question = self.m.here.question(p.what, p.role, p.version)
        if question is None:
            return what
        asked = self._long(oslo_day(question.asked_at))
        return _("{what}, spurt {day}").format(what=what, day=asked)
