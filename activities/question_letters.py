"""What people are asked, how they answer, and what happens if nobody does; and the reminder of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal, NamedTuple

from activities.mail import Section
from activities.outcome_letters import HASH_SHOWN, Outcomes
from activities.words import OUTCOME_NAMES, ROLES
from workflows.rules.calendar import oslo_day
from workflows.rules.dissent import awaited_answers
from workflows.rules.events import Asked, Reminded, StepReopened
from workflows.rules.gate import NEEDS_COMMENT, OUTCOMES, SENDS_BACK, pending
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.plan import REAL_OPPORTUNITY_DAYS, rung_days
from workflows.rules.programme import Kind
from workflows.rules.terms import Outcome, What


class Ask(NamedTuple):
    """One thing that one person is waited for."""

    what: What
    role: Role
    holder: Holder
    asked: date
    version: int


class Questions(Outcomes):
    """Writes what one person is waited for."""

    def waited_for(self) -> Iterator[Ask]:
        """What the reader is waited for now."""
        m = self.m
        open_ = m.here.settled is None
        waiting = pending(m.step, m.here, m.situation.organisation, m.day) if open_ else ()
        if m.here.settled in (None, "closed"):
            waiting = (*waiting, *awaited_answers(m.step, m.here))
        for p in waiting:
            question = m.here.question(p.what, p.role, p.version)
            holder = next((h for h in self._responsible(p) if h.person == self.person.id), None)
            if holder is not None:
                asked = oslo_day(question.asked_at) if question else m.day
                yield Ask(p.what, p.role, holder, asked, p.version)

    def due(self, ask: Ask) -> date:
        """When what is asked is due."""
        return (self.answer_due(ask.version) if ask.what == "answer" else None) or self.m.here.due

    def asking(self, asks: list[Ask]) -> str:
        """What is asked first, where and by when, on one line."""
        _ = self.t
        due = self.due(asks[0])
        if self.m.day > due:
            by = _("nå – fristen var {day}").format(day=self._short(due))
        else:
            by = _("innen {day}").format(day=self._short(due))
        what = {
            "evidence": _("{step} – {unit}: legg fram det som trengs {by}"),
            "approve": _("{step} – {unit}: ta stilling {by}"),
            "consult": _("{step} – {unit}: si din mening {by}"),
            "treat": _("{step} – {unit}: behandle saken i AMU {by}"),
            "answer": _("{step} – {unit}: svar på uenigheten {by}"),
        }[asks[0].what]
        return what.format(step=self.step, unit=self.unit, by=by)

    def _asked(self, asks: list[Ask]) -> tuple[str, list[Section]]:
        _ = self.t
        sections = [Section(text=tuple(self._opening(asks)))]
        for ask in asks:
            sections += self._task(ask)
        sections.append(Section(heading=_("Hvis det ikke skjer noe"), text=tuple(self._silence(asks))))
        sections += [*self._taking_part(), *self._law(), *self.contact()]
        return self.asking(asks), sections

    def _opening(self, asks: list[Ask]) -> Iterator[str]:
        _ = self.t
        for ask in asks:
            yield f"{self.what_is_asked(ask)} {self._capacity(ask)}"
        if self.m.reopened is not None:
            yield self.why_reopened(self.m.reopened)
        due = self.due(asks[0])
        frist = _("Fristen var {day}.") if self.m.day > due else _("Frist: {day}.")
        yield frist.format(day=self._long(due))
        moved = [
            q
            for ask in asks
            if self.m.before and (q := self.m.before.question(ask.what, ask.role, ask.version))
        ]
        if isinstance(self.m.fact.body, Asked) and moved:
            names = self._join(self._name(h.person) for q in moved for h in q.people)
            yield _("Dette er nytt for deg: før var det {names} som skulle svare.").format(names=names)
        if isinstance(self.m.fact.body, Reminded):
            yield _("Du ble spurt {day} og har ikke svart ennå.").format(day=self._long(asks[0].asked))

    def what_is_asked(self, ask: Ask) -> str:
        """What the reader is to do, about which step of which unit and year."""
        _ = self.t
        if ask.what == "answer":
            text = _(
                "{who} er uenig i versjon {version} av «{step}» for {unit}, {year}. Arbeidsgiver skal gi et "
                "begrunnet svar (arbeidsmiljøloven §\N{NO-BREAK SPACE}6-2), og det er du som skal svare."
            )
            who = self.objectors(ask.version)
            return self._capital(text.format(who=who, version=ask.version, **self._place()))
        texts = {
            "evidence": _("Du skal legge fram det som trengs i «{step}» for {unit}, {year}."),
            "approve": _("Du skal ta stilling til «{step}» for {unit}, {year}."),
            "consult": _("Du blir rådspurt om «{step}» for {unit}, {year}."),
            "treat": _("AMU skal behandle «{step}» for {unit}, {year}, og du melder utfallet tilbake."),
        }
        return texts[ask.what].format(**self._place())

    def why_reopened(self, body: StepReopened) -> str:
        """Why a step that was done is open again."""
        _ = self.t
        return {
            "new_version": _("Steget er åpnet igjen fordi det er lagt fram en ny versjon."),
            "basis_changed": _("Steget er åpnet igjen fordi noe som det bygger på, er gjort om."),
            "sent_back": _("Steget er åpnet igjen fordi et senere steg har sendt saken tilbake hit."),
        }[body.because]

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
        if ask.what == "answer":
            text = _("Svaret blir stående i saken ved siden av uenigheten, og den som er uenig, får beskjed.")
            yield Section(heading=_("Slik svarer du"), text=(text,), commands=self.commands(ask))
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
        yield Section(heading=_("Slik svarer du"), commands=self.commands(ask))

    def commands(self, ask: Ask) -> tuple[tuple[str, str], ...]:
        """How the reader does what is asked, each way with a label."""
        _ = self.t
        where, reason = f"{self.m.step.cycle.id} {self.m.step.key}", _("din begrunnelse")
        match ask.what:
            case "evidence":
                file = _("FIL")
                submit = f"forsvarlig step submit {where} {file} --as {self.person.id}"
                return ((_("Legg fram en fil"), submit),)
            case "answer":
                command = f"forsvarlig answer {where} --version {ask.version} --as {self.person.id}"
                return ((_("Svar på uenigheten"), f'{command} --comment "{reason}"'),)
        answers = [outcome for outcome in OUTCOME_NAMES if outcome in OUTCOMES[Kind(ask.what)]]
        return tuple(
            (self._capital(_(OUTCOME_NAMES[outcome])), self._decide(ask, outcome))
            for outcome in answers
            if outcome is not Outcome.NO_RESPONSE
        )

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
        ask = Ask("evidence", m.step.owner, Holder(person=self.person.id), m.day, m.here.version)
        commands = (*self.commands(ask), self.look())
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
            name=self._author(), hash=(here.document or "")[:HASH_SHOWN],
        )  # fmt: skip
        bound = _("Svaret ditt gjelder denne versjonen. Kommer det en ny, blir du spurt på nytt.")
        commands = (self.look(),)
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
        m, whats = self.m, {ask.what for ask in asks}
        if whats == {"answer"}:
            yield _("Plikten til å svare faller ikke bort.")
            text = _("Er det ikke svart innen {day}, får nærmeste leder og den som leder AMU, beskjed.")
            yield text.format(day=self._long(max(map(self.due, asks))))
            return
        if whats <= {"evidence", "answer"}:
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
