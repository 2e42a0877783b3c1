"""What is told of a step besides questions: disagreement and its answer, stale answers, dates, substitutes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from activities.letter_parts import Parts, Piece
from activities.words import OUTCOME_NAMES, ROLES
from workflows.rules.calendar import oslo_day
from workflows.rules.events import (
    AnswerOverdue,
    DecisionRecorded,
    DecisionsStale,
    DisagreementAnswered,
    DueDateChanged,
    EvidenceSubmitted,
    WecMatterRaised,
)
from workflows.rules.organisation import Profile
from workflows.rules.terms import Outcome

NOTES = (
    WecMatterRaised,
    DisagreementAnswered,
    AnswerOverdue,
    DecisionsStale,
    DueDateChanged,
    DecisionRecorded,
    EvidenceSubmitted,
)
"""The facts of a step that are told as notes: they ask the reader for nothing."""

Note = (
    WecMatterRaised
    | DisagreementAnswered
    | AnswerOverdue
    | DecisionsStale
    | DueDateChanged
    | DecisionRecorded
    | EvidenceSubmitted
)


class Notes(Parts):
    """Writes what one person is told of one matter, when nothing is asked."""

    def note(self, body: Note) -> Piece:
        """The note in few words. It names roles; a person only where somebody acted in the reader's name."""
        _ = self.t
        match body:
            case WecMatterRaised():
                title, lines = self._matter_raised(body)
            case DisagreementAnswered(on_behalf_of=self.person.id):
                title, lines = _("det er svart i ditt navn"), self._answered_for_you(body)
            case DisagreementAnswered():
                title, lines = _("arbeidsgiver har svart på uenigheten"), self._answered(body)
            case AnswerOverdue(due=due):
                title = _("svar på uenighet skulle vært gitt {day}").format(day=self._short(due))
                lines = self._overdue(body)
            case DecisionsStale():
                title, lines = _("svaret ditt gjelder ikke lenger"), self._stale(body)
            case DueDateChanged(after=after):
                title, lines = _("ny frist {day}").format(day=self._short(after)), self._moved(body)
            case DecisionRecorded():
                title, lines = _("det er svart i ditt navn"), self._decided_for_you(body)
            case EvidenceSubmitted():
                title, lines = _("det er lagt fram i ditt navn"), self._filed_for_you(body)
        subject = _("{step} – {unit}: {what}").format(step=self.step, unit=self.unit, what=title)
        return Piece(subject, subject, tuple(lines), commands=(self.look(),))

    def _place(self) -> dict[str, object]:
        return {"step": self.step, "unit": self.unit, "year": self.m.step.cycle.year}

    def objectors(self, version: int) -> str:
        """The roles that disagree with a version: «verneombudet og den tillitsvalgte»."""
        _ = self.t
        roles = dict.fromkeys(
            d.role for d in self.m.here.decisions if d.version == version and d.outcome is Outcome.DISAGREES
        )
        return self._join(_(ROLES[role][1]) for role in roles) or _("noen som er rådspurt")

    def answer_due(self, version: int) -> date | None:
        """The day by which the employer owes an answer about the version; None when none is owed."""
        return min((o.due for o in self.m.here.unanswered() if o.version == version), default=None)

    def _matter_raised(self, body: WecMatterRaised) -> tuple[str, Iterator[str]]:
        _ = self.t
        if self.m.profile is Profile.LARGE:
            return _("en uenighet skal opp i AMU"), self._raised(
                body, _("Du får beskjed fordi du leder AMU: sett saken på sakslisten.")
            )
        return _("en uenighet skal tas opp"), self._raised(
            body, _("Virksomheten har ikke AMU; saken skal tas opp med deg.")
        )

    def _raised(self, body: WecMatterRaised, why: str) -> Iterator[str]:
        _ = self.t
        text = _("{who} er uenig i versjon {version} av «{step}» for {unit}, {year}.")
        who = self.objectors(body.version)
        yield self._capital(text.format(who=who, version=body.version, **self._place()))
        yield why
        if due := self.answer_due(body.version):
            yield _("Arbeidsgiver skal gi et begrunnet svar innen {day}.").format(day=self._long(due))
        yield _("Saken blir ikke borte om steget blir ferdig i mellomtiden.")

    def _answered(self, body: DisagreementAnswered) -> Iterator[str]:
        _ = self.t
        day = self._long(oslo_day(self.m.fact.recorded))
        text = _(
            "Det er ført at du er uenig i versjon {version} av «{step}» for {unit}, {year}. "
            "Arbeidsgiver har gitt et begrunnet svar {day}."
        )
        yield text.format(version=body.version, day=day, **self._place())
        if body.late:
            yield _("Svaret kom etter fristen.")
        yield _(
            "Svaret står i saken, og det gjør uenigheten også. Gjelder det fare for liv og helse, og blir det "
            "ikke gjort noe innen rimelig tid, skal verneombudet si fra til Arbeidstilsynet eller AMU "
            "(arbeidsmiljøloven §\N{NO-BREAK SPACE}6-2)."
        )

    def _overdue(self, body: AnswerOverdue) -> Iterator[str]:
        _ = self.t
        text = _(
            "{who} er uenig i versjon {version} av «{step}» for {unit}, {year}. Arbeidsgiver skulle gitt et "
            "begrunnet svar innen {day}, og har ikke gjort det."
        )
        who = self.objectors(body.version)
        yield self._capital(
            text.format(who=who, version=body.version, day=self._long(body.due), **self._place())
        )
        yield _(
            "Sørg for at svaret blir gitt. Plikten faller ikke bort (arbeidsmiljøloven §\N{NO-BREAK SPACE}6-2)."
        )

    def _stale(self, body: DecisionsStale) -> Iterator[str]:
        _ = self.t
        because = {
            "new_version": _("fordi det er lagt fram en ny versjon"),
            "basis_changed": _("fordi noe som saken bygger på, er gjort om"),
            "sent_back": _("fordi saken er sendt tilbake til et tidligere steg"),
        }[body.because]
        text = _(
            "Svaret du ga om versjon {version} av «{step}» for {unit}, {year}, gjelder ikke lenger, {why}."
        )
        yield text.format(version=body.version, why=because, **self._place())
        yield _(
            "Det blir stående i historikken om den versjonen. Du blir spurt igjen når saken er klar for det."
        )

    def _moved(self, body: DueDateChanged) -> Iterator[str]:
        _ = self.t
        text = _("Fristen for «{step}» for {unit}, {year}, er flyttet fra {before} til {after}.")
        days = {"before": self._long(body.before), "after": self._long(body.after)}
        yield text.format(**days, **self._place())
        if body.comment is not None:
            yield _("Begrunnelsen er ført i saken.")
        yield _("Den første fristen, {day}, blir stående i historikken.").format(
            day=self._long(self.m.here.first_due)
        )

    def _decided_for_you(self, body: DecisionRecorded) -> Iterator[str]:
        _ = self.t
        text = _(
            "{name} svarte «{outcome}» på dine vegne som {role} på versjon {version} av «{step}» for {unit}, {year}."
        )
        yield text.format(
            name=self._name(self.m.fact.actor), outcome=_(OUTCOME_NAMES[body.outcome]),
            role=_(ROLES[body.role][0]), version=body.version, **self._place(),
        )  # fmt: skip
        yield self._substitution()

    def _filed_for_you(self, body: EvidenceSubmitted) -> Iterator[str]:
        _ = self.t
        text = _("{name} la fram versjon {version} av «{step}» for {unit}, {year}, på dine vegne.")
        yield text.format(name=self._name(self.m.fact.actor), version=body.version, **self._place())
        yield self._substitution()

    def _answered_for_you(self, body: DisagreementAnswered) -> Iterator[str]:
        _ = self.t
        text = _(
            "{name} svarte på dine vegne på uenigheten om versjon {version} av «{step}» for {unit}, {year}."
        )
        yield text.format(name=self._name(self.m.fact.actor), version=body.version, **self._place())
        yield self._substitution()

    def _substitution(self) -> str:
        _ = self.t
        return _("Begge navnene står i historikken. Du trenger ikke gjøre noe.")
