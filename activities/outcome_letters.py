"""What everybody is told when a step is done. Roles and no names: it may go to all who work there."""

from __future__ import annotations

from collections.abc import Iterator

from activities.gate_letters import Notes
from activities.mail import Section
from activities.words import OUTCOME_NAMES, ROLES
from workflows.rules.calendar import oslo_day
from workflows.rules.standing import Decision
from workflows.rules.terms import Outcome

HASH_SHOWN = 12
"""Characters of a document's fingerprint that are enough to recognise it."""


class Outcomes(Notes):
    """Writes how a step ended."""

    def informed(self) -> tuple[str, list[Section]]:
        """Roles and no names: this letter may go to everyone who works there."""
        _ = self.t
        m = self.m
        decided = m.here.now_decided()
        against = any(d.outcome is Outcome.DISAGREES for d in decided)
        template = _("{step} – {unit}: ferdig, med uenighet") if against else _("{step} – {unit}: ferdig")
        lines = self.done()
        filed = _("Versjon {version} av «{evidence}». Dokumentets fingeravtrykk begynner på {hash}.").format(
            version=m.here.version, evidence=m.step.evidence.in_(self.person.language),
            hash=(m.here.document or "")[:HASH_SHOWN],
        )  # fmt: skip
        sections = [
            Section(text=tuple(lines)),
            Section(heading=_("Utfallet"), text=(filed,), items=tuple(self._results(decided))),
            *self._law(),
            *self.contact(),
        ]
        return template.format(step=self.step, unit=self.unit), sections

    def done(self) -> list[str]:
        """When the step was done, whether that was in time, and which roles disagree."""
        _ = self.t
        m = self.m
        done = oslo_day(m.here.settled_at or m.fact.recorded)
        text = _("«{step}» for {unit}, {year}, er gjort ferdig {day}. Du trenger ikke gjøre noe.")
        lines = [text.format(day=self._long(done), **self._place())]
        if done > m.here.due:
            lines.append(_("Det var etter fristen, som var {day}.").format(day=self._long(m.here.due)))
        objectors = dict.fromkeys(d.role for d in m.here.now_decided() if d.outcome is Outcome.DISAGREES)
        if objectors:
            text = _("{who} er uenig. Uenigheten står i historikken, og arbeidsgiver må svare på den.")
            lines.append(self._capital(text.format(who=self._join(_(ROLES[role][1]) for role in objectors))))
        return lines

    def _results(self, decided: tuple[Decision, ...]) -> Iterator[str]:
        _ = self.t
        for slot in sorted(self.m.step.slots, key=lambda s: s.order):
            answers = [d.outcome for d in decided if (d.role, d.asked) == (slot.role, slot.kind)]
            said = self._join(_(OUTCOME_NAMES[o]) for o in answers) if answers else _("ingen hadde rollen")
            yield f"{self._capital(_(ROLES[slot.role][1]))}: {said}"
