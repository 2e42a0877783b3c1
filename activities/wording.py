"""The words of a notice: what one person reads about one matter, in the language of that person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Literal, NamedTuple

from activities.letter_parts import Parts
from activities.mail import Section
from activities.words import OUTCOME_NAMES, ROLES, WAITED_FOR
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Asked, Escalated, Informed, Outcome, Reminded
from workflows.rules.gate import NEEDS_COMMENT, OUTCOMES, SENDS_BACK, Pending, pending
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.plan import REAL_OPPORTUNITY_DAYS, rung_days
from workflows.rules.programme import Kind
from workflows.rules.standing import Decision, What

_HASH_SHOWN = 12


class Ask(NamedTuple):
    """One thing that one person is waited for."""

    what: What
    role: Role
    holder: Holder
    asked: date


class Pen(Parts):
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
                subject, sections = self._asked([Ask(body.what, body.role, holder, self.m.day)])
            case Reminded():
                asks = list(self._waited_for())
                if not asks:
                    return None
                subject, sections = self._asked(asks)
                subject = _("Påminnelse: {subject}").format(subject=subject)
            case Escalated():
                subject, sections = self._escalated(body)
            case Informed():
                subject, sections = self._informed()
            case _:
                raise LookupError(f"Nobody is told of a fact of the kind {self.m.fact.kind}.")
        if self.m.rehearsal:
            subject = _("Prøvekjøring: {subject}").format(subject=subject)
            note = _(
                "Dette er en prøvekjøring. Ingenting i den gjelder på ordentlig, og du skal ikke gjøre noe."
            )
            sections.insert(0, Section(text=(note,)))
        return subject, sections

    # --- asked, and reminded ------------------------------------------------------------------------

    def _waited_for(self) -> Iterator[Ask]:
        m = self.m
        for p in pending(m.step, m.here, m.situation.organisation, m.day):
            question = m.here.question(p.what, p.role, p.version)
            holder = next((h for h in self._responsible(p) if h.person == self.person.id), None)
            if holder is not None:
                yield Ask(p.what, p.role, holder, oslo_day(question.asked_at) if question else m.day)

    def _asked(self, asks: list[Ask]) -> tuple[str, list[Section]]:
        _ = self.t
        first, m = asks[0], self.m
        late = m.day > m.here.due
        if late:
            by = _("nå – fristen var {day}").format(day=self._short(m.here.due))
        else:
            by = _("innen {day}").format(day=self._short(m.here.due))
        what = {
            "evidence": _("{step} – {unit}: legg fram det som trengs {by}"),
            "approve": _("{step} – {unit}: ta stilling {by}"),
            "consult": _("{step} – {unit}: si din mening {by}"),
            "treat": _("{step} – {unit}: behandle saken i AMU {by}"),
        }[first.what]
        sections = [Section(text=tuple(self._opening(asks, late)))]
        for ask in asks:
            sections += self._task(ask)
        sections.append(Section(heading=_("Hvis det ikke skjer noe"), text=tuple(self._silence(asks))))
        sections += [*self._taking_part(), *self._law(), *self._contact()]
        return what.format(step=self.step, unit=self.unit, by=by), sections

    def _opening(self, asks: list[Ask], late: bool) -> Iterator[str]:
        _ = self.t
        texts = {
            "evidence": _("Du skal legge fram det som trengs i «{step}» for {unit}, {year}."),
            "approve": _("Du skal ta stilling til «{step}» for {unit}, {year}."),
            "consult": _("Du blir rådspurt om «{step}» for {unit}, {year}."),
            "treat": _("AMU skal behandle «{step}» for {unit}, {year}, og du melder utfallet tilbake."),
        }
        for ask in asks:
            text = texts[ask.what].format(step=self.step, unit=self.unit, year=self.m.step.cycle.year)
            yield f"{text} {self._capacity(ask)}"
        frist = _("Fristen var {day}.") if late else _("Frist: {day}.")
        yield frist.format(day=self._long(self.m.here.due))
        moved = [
            q
            for ask in asks
            if self.m.before and (q := self.m.before.question(ask.what, ask.role, self.m.here.version))
        ]
        if isinstance(self.m.fact.body, Asked) and moved:
            names = self._join(self._name(h.person) for q in moved for h in q.people)
            yield _("Dette er nytt for deg: før var det {names} som skulle svare.").format(names=names)
        if isinstance(self.m.fact.body, Reminded):
            yield _("Du ble spurt {day} og har ikke svart ennå.").format(day=self._long(asks[0].asked))

    def _capacity(self, ask: Ask) -> str:
        """In which role the person is asked, and for whom a substitute answers: both are named."""
        _ = self.t
        role = _(ROLES[ask.role][0])
        if ask.holder.acting_for is not None:
            text = _("Du svarer for {name}, som er {role} og er borte nå.")
            return text.format(name=self._name(ask.holder.acting_for), role=role)
        return _("Du blir spurt som {role}.").format(role=role)

    def _task(self, ask: Ask) -> Iterator[Section]:
        _ = self.t
        if ask.what == "evidence":
            yield from self._evidence()
            return
        yield self._filed()
        if ask.what == "consult":
            yield Section(
                heading=_("Du kan være uenig"),
                text=(
                    _(
                        "Si det du mener. Er du uenig, stopper det ikke saken, men uenigheten blir stående i "
                        "historikken, ingen kan fjerne den, og arbeidsgiver må svare på den."
                    ),
                ),
            )
        objections = {d.role for d in self.m.here.now_decided() if d.outcome is Outcome.DISAGREES}
        if ask.what != "consult" and objections:
            text = _("{who} er uenig. Du kan bestemme likevel, men uenigheten blir stående og må besvares.")
            who = self._join(_(ROLES[role][1]) for role in sorted(objections))
            yield Section(text=(self._capital(text.format(who=who)),))
        answers = [outcome for outcome in OUTCOME_NAMES if outcome in OUTCOMES[Kind(ask.what)]]
        commands = tuple(
            (self._capital(_(OUTCOME_NAMES[outcome])), self._decide(ask, outcome))
            for outcome in answers
            if outcome is not Outcome.NO_RESPONSE
        )
        yield Section(heading=_("Slik svarer du"), commands=commands)

    def _decide(self, ask: Ask, outcome: Outcome) -> str:
        _ = self.t
        where = f"{self.m.step.cycle.id} {self.m.step.key} --version {self.m.here.version}"
        who = f"--as {self.person.id} --role {ask.role.value}"
        command = f"forsvarlig decide {where} {who} --outcome {outcome.value}"
        if outcome not in NEEDS_COMMENT:
            return command
        reason = _("din begrunnelse")
        return f'{command} --comment "{reason}"'

    def _evidence(self) -> Iterator[Section]:
        _ = self.t
        m = self.m
        wanted = m.step.evidence.in_(self.person.language)
        lines = [_("Dette skal legges fram: {evidence}.").format(evidence=wanted)]
        if m.step.participants:
            others = self._join(_(ROLES[role][1]) for role in m.step.participants)
            lines.append(_("De som skal være med i arbeidet: {roles}.").format(roles=others))
        for d in m.here.now_decided():
            if m.here.sent_back == m.here.version and d.outcome in SENDS_BACK:
                text = _("{who} sendte versjon {version} tilbake ({outcome}). Begrunnelsen står i saken.")
                who, outcome = _(ROLES[d.role][1]), _(OUTCOME_NAMES[d.outcome])
                lines.append(self._capital(text.format(who=who, version=d.version, outcome=outcome)))
        file = _("FIL")
        commands = (
            (
                _("Legg fram en fil"),
                f"forsvarlig step submit {m.step.cycle.id} {m.step.key} {file} --as {self.person.id}",
            ),
            (_("Se saken"), self._show()),
        )
        yield Section(heading=_("Slik gjør du det"), text=tuple(lines), commands=commands)

    def _filed(self) -> Section:
        """What a decision is about: it is bound to this version and to no other."""
        _ = self.t
        here = self.m.here
        text = _(
            "Versjon {version} av «{evidence}», lagt fram av {name}. "
            "Dokumentets fingeravtrykk begynner på {hash}."
        )
        line = text.format(
            version=here.version, evidence=self.m.step.evidence.in_(self.person.language),
            name=self._author(), hash=(here.document or "")[:_HASH_SHOWN],
        )  # fmt: skip
        bound = _("Svaret ditt gjelder denne versjonen. Kommer det en ny, blir du spurt på nytt.")
        commands = ((_("Se saken"), self._show()),)
        return Section(heading=_("Dette er lagt fram"), text=(line, bound), commands=commands)

    def _author(self) -> str:
        _ = self.t
        here = self.m.here
        name = self._name(here.author or "")
        if here.author_for is not None:
            return _("{name} for {other}").format(name=name, other=self._name(here.author_for))
        return name

    def _silence(self, asks: Iterable[Ask]) -> Iterator[str]:
        _ = self.t
        m = self.m
        if all(ask.what == "evidence" for ask in asks):
            yield _("Saken blir stående åpen. Den blir aldri regnet som gjort fordi fristen går ut.")
        else:
            yield _("Å ikke svare er aldri det samme som å si ja. Saken blir stående åpen til noen svarer.")
        yield self._next_rung(m.day)
        for ask in asks:
            if ask.what == "consult":
                calendar = m.situation.programme.calendar
                last = calendar.consultation_deadline(ask.asked, REAL_OPPORTUNITY_DAYS)
                text = _(
                    "Fra {day} kan {owner} føre at du hadde en reell mulighet til å uttale deg, "
                    "men ikke svarte. Det regnes ikke som at du er enig."
                )
                yield text.format(day=self._long(last), owner=_(ROLES[m.step.owner][1]))

    def _next_rung(self, after: date) -> str:
        _ = self.t
        m = self.m
        closing = m.situation.plan.closing_day(m.step.cycle)
        for rung, day in rung_days(m.situation.programme, m.here.due, closing):
            if day <= after:
                continue
            told = self._join(map(self._told, rung.to))
            text = self._capital(
                _("{day} får {who} beskjed om at fristen er brutt.").format(day=self._long(day), who=told)
            )
            return " ".join([text, *self._consequences(rung.deviation, rung.wec_item, to_come=True)])
        return _("Er saken fortsatt åpen når året lukkes {day}, blir den stående som ikke gjort.").format(
            day=self._long(closing)
        )

    def _told(self, to: Role | Literal["leader_of_owner"]) -> str:
        _ = self.t
        if to != "leader_of_owner":
            return _(ROLES[to][1])
        owner = self.m.step.owner
        if owner is Role.TOP_MANAGER:
            return _(ROLES[owner][1])
        return _("nærmeste leder over {role}").format(role=_(ROLES[owner][1]))

    def _consequences(self, deviation: bool, wec_item: bool, *, to_come: bool) -> Iterator[str]:
        _ = self.t
        if deviation:
            yield _("Da føres avviket «frist brutt».") if to_come else _("Avviket «frist brutt» er ført.")
        if wec_item and self.m.profile is Profile.LARGE:
            yield _("Da blir saken meldt til AMU.") if to_come else _("Saken er meldt til AMU.")
        elif wec_item:
            yield _("Virksomheten har ikke AMU; saken skal tas opp med verneombudet eller kontaktpersonen.")

    # --- escalated ----------------------------------------------------------------------------------

    def _escalated(self, body: Escalated) -> tuple[str, list[Section]]:
        _ = self.t
        m = self.m
        subject = _("Frist brutt: {step} – {unit}, skulle vært gjort {day}").format(
            step=self.step, unit=self.unit, day=self._short(m.here.due)
        )
        overdue = (m.day - m.here.due).days
        since = self.t.ngettext(
            "«{step}» for {unit}, {year}, er {days} dag over fristen, som var {day}.",
            "«{step}» for {unit}, {year}, er {days} dager over fristen, som var {day}.",
            overdue,
        ).format(
            step=self.step, unit=self.unit, year=m.step.cycle.year, days=overdue, day=self._long(m.here.due)
        )
        lines = [since, *self._consequences(body.deviation, body.wec_item, to_come=False)]
        waiting = pending(m.step, m.here, m.situation.organisation, m.day)
        items = [self._part(p, self._since(p)) for p in waiting]
        sections = [
            Section(text=tuple(lines)),
            Section(heading=_("Det ventes på"), items=tuple(items)),
            *self._what_now(),
            Section(heading=_("Hva som skjer videre"), text=(self._next_rung(m.day),)),
            *self._law(),
            *self._contact(),
        ]
        return subject, sections

    def _what_now(self) -> Iterator[Section]:
        """Whoever is told of a broken deadline may be the one who is waited for."""
        _ = self.t
        if asks := list(self._waited_for()):
            yield Section(text=(_("Det er deg det ventes på."), *map(self._capacity, asks)))
            for ask in asks:
                yield from self._task(ask)
            return
        todo = _(
            "Sørg for at de det ventes på, får tid og hjelp til å svare. Du kan ikke svare for dem, "
            "og ingenting er godkjent fordi fristen er ute."
        )
        yield Section(heading=_("Hva du kan gjøre"), text=(todo,), commands=((_("Se saken"), self._show()),))

    def _since(self, p: Pending) -> str:
        _ = self.t
        what = _(WAITED_FOR[p.what])
        question = self.m.here.question(p.what, p.role, p.version)
        if question is None:
            return what
        asked = self._long(oslo_day(question.asked_at))
        return _("{what}, spurt {day}").format(what=what, day=asked)

    # --- informed -----------------------------------------------------------------------------------

    def _informed(self) -> tuple[str, list[Section]]:
        """Roles and no names: this letter may go to everyone who works there."""
        _ = self.t
        m = self.m
        decided = m.here.now_decided()
        objectors = dict.fromkeys(d.role for d in decided if d.outcome is Outcome.DISAGREES)
        against = self._join(_(ROLES[role][1]) for role in objectors)
        template = _("{step} – {unit}: ferdig, med uenighet") if against else _("{step} – {unit}: ferdig")
        done: datetime = m.here.settled_at or m.fact.recorded
        lines = [
            _("«{step}» for {unit}, {year}, er gjort ferdig {day}. Du trenger ikke gjøre noe.").format(
                step=self.step, unit=self.unit, year=m.step.cycle.year, day=self._long(oslo_day(done))
            )
        ]
        if oslo_day(done) > m.here.due:
            lines.append(_("Det var etter fristen, som var {day}.").format(day=self._long(m.here.due)))
        if against:
            text = _("{who} er uenig. Uenigheten står i historikken, og arbeidsgiver må svare på den.")
            lines.append(self._capital(text.format(who=against)))
        filed = _("Versjon {version} av «{evidence}». Dokumentets fingeravtrykk begynner på {hash}.").format(
            version=m.here.version, evidence=m.step.evidence.in_(self.person.language),
            hash=(m.here.document or "")[:_HASH_SHOWN],
        )  # fmt: skip
        sections = [
            Section(text=tuple(lines)),
            Section(heading=_("Utfallet"), text=(filed,), items=tuple(self._results(decided))),
            *self._law(),
            *self._contact(),
        ]
        return template.format(step=self.step, unit=self.unit), sections

    def _results(self, decided: tuple[Decision, ...]) -> Iterator[str]:
        _ = self.t
        for slot in sorted(self.m.step.slots, key=lambda s: s.order):
            answers = [d.outcome for d in decided if (d.role, d.asked) == (slot.role, slot.kind)]
            said = self._join(_(OUTCOME_NAMES[o]) for o in answers) if answers else _("ingen hadde rollen")
            yield f"{self._capital(_(ROLES[slot.role][1]))}: {said}"
