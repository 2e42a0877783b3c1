"""What is told of no step: that somebody has become responsible, is away or hands over, and of their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from activities.key_letters import KeyVoice
from activities.letter_parts import Piece
from activities.mail import Section
from activities.store.rows import PersonRow
from activities.words import ROLES
from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.calendar import oslo_day
from workflows.rules.delegation import elected_in
from workflows.rules.events import Appointed, Fact
from workflows.rules.organisation import Organisation, Role
from workflows.rules.plan import PlannedStep
from workflows.rules.programme import Kind
from workflows.rules.record_facts import DocumentErased, ErasureAsked, RetentionSet, TextsErased
from workflows.rules.situation import Situation

_PARTS_SHOWN = 14
"""A role that has more steps than this in a year is told of the next ones."""


class Notice(NamedTuple):
    """A fact of no step. `situation` is that of its cycle, where it has one; `delegation` is the one that ended,
    and `key_of` the person whose key was revoked."""

    seq: int
    fact: Fact
    organisation: Organisation
    situation: Situation | None
    rehearsal: bool
    delegation: Delegated | None = None
    key_of: str | None = None


class PersonalPen(KeyVoice):
    """Writes to one person of one such fact."""

    def __init__(self, notice: Notice, people: Mapping[str, PersonRow], person: PersonRow) -> None:
        super().__init__(people, person)
        self.n = notice

    def piece(self) -> Piece:
        """The matter in few words; `LookupError` for a fact that nobody is told of."""
        match self.n.fact.body:
            case Appointed() as body:
                return self._appointed(body)
            case KeyEnrolled() as body:
                return self._enrolled(body, self.n.fact, self.n.organisation.name)
            case KeyRevoked() as body:
                return self._revoked(body, self.n.fact, self.n.organisation.name, self.n.key_of)
            case Delegated() as body:
                return self._delegated(body)
            case DelegationEnded() as body:
                return self._ended(body)
            case AbsenceSet() as body:
                return self._absent(body)
            case ErasureAsked() as body:
                return self._to_be_erased(body)
            case TextsErased() | DocumentErased():
                return self._erased()
            case RetentionSet() as body:
                return self._kept_for(body)
        raise LookupError(f"Nobody is told of a fact of the kind {self.n.fact.kind}.")

    def letter(self) -> tuple[str, list[Section]]:
        """Subject and sections."""
        piece = self.piece()
        return piece.subject, [
            Section(text=piece.text, items=piece.items, commands=piece.commands),
            *self.contact(),
        ]

    def contact(self) -> Iterator[Section]:
        """HR, or the top manager for HR."""
        day = oslo_day(self.n.fact.recorded)
        unit = self.n.situation.cycle.unit if self.n.situation is not None else None
        for role in (Role.HR, Role.TOP_MANAGER):
            if section := self._asked_who(self.n.organisation.holders(role, unit, day), role):
                yield section
                return

    # --- a part in the year -------------------------------------------------------------------------

    def _appointed(self, body: Appointed) -> Piece:
        _ = self.t
        situation = self.n.situation
        if situation is None:
            raise LookupError(f"Fact {self.n.seq} appoints people in no year.")
        unit = situation.cycle.unit
        place = self.n.organisation.name if unit is None else self.n.organisation.unit(unit).name
        role = _(ROLES[body.role][0])
        subject = _("Du har fått ansvar: {role}, {unit}, {year}").format(
            role=role, unit=place, year=situation.cycle.year
        )
        holder = next((h for h in body.people if h.person == self.person.id), None)
        if holder is not None and holder.acting_for is not None:
            first = _("Du svarer for {name}, som er {role} for {unit} i årshjulet for {year}.").format(
                name=self._name(holder.acting_for), role=role, unit=place, year=situation.cycle.year
            )
        else:
            first = _("Du er {role} for {unit} i årshjulet for {year}.").format(
                role=role, unit=place, year=situation.cycle.year
            )
        day = oslo_day(self.n.fact.recorded)
        steps = sorted(
            (s for s in situation.plan.of(situation.cycle) if self._part(s, body.role) and s.due >= day),
            key=lambda s: (s.due, s.key),
        )
        lines = [
            first,
            _(
                "Du får en e-post når noe skal gjøres, med frist og hvordan du svarer. Ingenting regnes som "
                "gjort fordi en frist går ut."
            ),
        ]
        if steps:
            lines.append(_("Dette ventes av deg i år, med frister:"))
        items = [
            _("{day}: {step} – {what}").format(
                day=self._short(s.due), step=s.name.in_(self.person.language), what=self._part(s, body.role)
            )
            for s in steps[:_PARTS_SHOWN]
        ]
        if more := len(steps) - _PARTS_SHOWN if len(steps) > _PARTS_SHOWN else 0:
            items.append(
                self.t.ngettext("og {count} steg til", "og {count} steg til", more).format(count=more)
            )
        see = f"forsvarlig inbox --as {self.person.id}"
        return Piece(subject, subject, tuple(lines), tuple(items), ((_("Se hva som venter på deg"), see),))

    def _part(self, step: PlannedStep, role: Role) -> str:
        """What the role does in the step; empty when it has no part."""
        _ = self.t
        words = {
            Kind.APPROVE: _("ta stilling"),
            Kind.CONSULT: _("si din mening"),
            Kind.TREAT: _("få saken behandlet"),
        }
        parts = [_("legge fram")] if step.owner is role else []
        parts += [words[s.kind] for s in step.slots if s.role is role]
        return self._join(dict.fromkeys(parts)) if parts else ""

    # --- away, and handed over ----------------------------------------------------------------------

    def _delegated(self, body: Delegated) -> Piece:
        _ = self.t
        days = self._days(body)
        what = self._limits(body)
        if body.person == self.person.id:
            subject = _("Du har gitt en fullmakt")
            text = _("{name} svarer for deg {days}. Det gjelder {what}.")
            lines = [text.format(name=self._name(body.to), days=days, what=what)]
            lines.append(_("Du får beskjed om det som blir gjort i ditt navn, og kan fortsatt svare selv."))
        else:
            subject = _("Du har fått en fullmakt")
            text = _("Du svarer for {name} {days}. Det gjelder {what}.")
            lines = [text.format(name=self._name(body.person), days=days, what=what)]
            lines.append(_("Du får en e-post når noe skal gjøres. Begge navnene står i historikken."))
        lines[1:1] = self._stays(body)
        if self.n.fact.actor not in (body.person, self.person.id):
            lines.append(_("Det er ført av {name}.").format(name=self._name(self.n.fact.actor)))
        see = ((_("Se fullmaktene"), "forsvarlig delegate list"),)
        return Piece(subject, subject, tuple(lines), commands=see)

    def _limits(self, body: Delegated) -> str:
        _ = self.t
        parts = []
        if body.role is not None:
            parts.append(_("rollen som {role}").format(role=_(ROLES[body.role][0])))
        if body.step is not None:
            parts.append(_("steget {step}").format(step=body.step))
        if body.unit is not None:
            unit = next((u.name for u in self.n.organisation.units if u.id == body.unit), body.unit)
            parts.append(_("det som hører til {unit}").format(unit=unit))
        if body.person == self.person.id:
            return ", ".join(parts) or _("alt du blir spurt om")
        return ", ".join(parts) or _("alt vedkommende blir spurt om")

    def _stays(self, body: Delegated) -> list[str]:
        """That elected roles do not follow, when all roles are meant and some are elected."""
        _ = self.t
        held = elected_in(self.n.organisation, body.person, body.since, body.until)
        if body.role is not None or not held:
            return []
        roles = self._join(_(ROLES[role][0]) for role in held)
        return [_("Det gjelder ikke rollen som {roles}; den kan ingen gi fullmakt til.").format(roles=roles)]

    def _ended(self, body: DelegationEnded) -> Piece:
        _ = self.t
        subject = _("En fullmakt er avsluttet")
        day = self._long(body.until)
        made = self.n.delegation
        if made is None:
            line = _("Fullmakten gjelder ikke lenger fra {day}.").format(day=day)
        elif made.person == self.person.id:
            line = _("{name} svarer ikke lenger for deg fra {day}.").format(name=self._name(made.to), day=day)
        else:
            line = _("Du svarer ikke lenger for {name} fra {day}.").format(
                name=self._name(made.person), day=day
            )
        see = ((_("Se fullmaktene"), "forsvarlig delegate list"),)
        return Piece(subject, subject, (line,), commands=see)

    def _absent(self, body: AbsenceSet) -> Piece:
        _ = self.t
        days = self._days(body)
        lines = []
        if body.person == self.person.id:
            subject = _("Fraværet ditt er ført")
            lines.append(_("Du er ført som borte {days}.").format(days=days))
            if body.substitute is not None:
                lines.append(_("{name} svarer for deg så lenge.").format(name=self._name(body.substitute)))
                lines.append(_("Du får beskjed om det som blir gjort i ditt navn."))
        else:
            subject = _("Du er vikar")
            lines.append(_("Du svarer for {name} {days}.").format(name=self._name(body.person), days=days))
            lines.append(_("Du får en e-post når noe skal gjøres. Begge navnene står i historikken."))
        if self.n.fact.actor not in (body.person, self.person.id):
            lines.append(_("Det er ført av {name}.").format(name=self._name(self.n.fact.actor)))
        return Piece(subject, subject, tuple(lines))

    def _days(self, body: Delegated | AbsenceSet) -> str:
        """«fra 4. mai til og med 9. mai»: people count the last day in."""
        _ = self.t
        last = body.until - timedelta(days=1)
        return _("fra {since} til og med {last}").format(since=self._long(body.since), last=self._long(last))

    # --- the record itself --------------------------------------------------------------------------

    def _to_be_erased(self, body: ErasureAsked) -> Piece:
        _ = self.t
        who = self._name(self.n.fact.actor)
        if body.document is not None:
            subject = _("{name} vil ha slettet et dokument").format(name=who)
            first = _("{name} vil ha slettet innholdet i et dokument som er lagt fram.").format(name=who)
        else:
            subject = _("{name} vil ha slettet noe som er skrevet").format(name=who)
            first = self.t.ngettext(
                "{name} vil ha slettet det som er skrevet i {count} hendelse.",
                "{name} vil ha slettet det som er skrevet i {count} hendelser.",
                len(body.facts),
            ).format(name=who, count=len(body.facts))
        lines = (
            first,
            _(
                "Det blir ikke slettet uten at både arbeidsgiver og den andre siden sier ja: den som skrev det, "
                "eller et verneombud når det er skrevet for arbeidsgiver. Er du uenig, trenger du ikke gjøre noe."
            ),
        )
        return Piece(
            subject, subject, lines, commands=((_("Se hva det gjelder"), "forsvarlig erase list"),)
        )  # fmt: skip

    def _erased(self) -> Piece:
        _ = self.t
        body = self.n.fact.body
        if isinstance(body, DocumentErased):
            subject = _("Et dokument er slettet")
            first = _("Innholdet i et dokument er slettet. At det ble lagt fram, når og av hvem, står.")
        else:
            subject = _("Noe som var skrevet, er slettet")
            first = _("Det som var skrevet, er slettet. At det ble skrevet, når og av hvem, står.")
        told = _("Det ble ført av {name}, som nr. {seq} i historikken.")
        lines = (first, told.format(name=self._name(self.n.fact.actor), seq=self.n.seq))
        return Piece(
            subject, subject, lines,
            commands=((_("Se hva som er gjort"), f"forsvarlig history --kind {self.n.fact.kind}"),),
        )  # fmt: skip

    def _kept_for(self, body: RetentionSet) -> Piece:
        _ = self.t
        subject = _("Ny lagringstid er bestemt")
        first = self.t.ngettext(
            "{name} har bestemt hvor lenge noe lagres: {count} dag.",
            "{name} har bestemt hvor lenge noe lagres: {count} dager.",
            body.days,
        ).format(name=self._name(self.n.fact.actor), count=body.days)
        second = _(
            "En kortere tid enn før gjelder først om tretti dager. Si fra til arbeidsgiver om du er uenig."
        )
        return Piece(
            subject, subject, (first, second),
            commands=((_("Se lagringstidene"), "forsvarlig retention show"),),
        )  # fmt: skip
