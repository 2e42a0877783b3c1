"""What a refused person reads: what was wrong, in plain words, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from activities.language import _, format_day
from activities.words import capital, listed
from worker.cli.cases import Case, answers, people_who_may
from worker.cli.frame import PROGRAM
from worker.cli.naming import holder, name, role_bearer, typed
from worker.cli.plain_refusals import PLAINLY, told_plainly
from worker.cli.words import STANDINGS, Told, role_name
from workflows.rules.calendar import oslo_day
from workflows.rules.organisation import Role
from workflows.rules.plan import REAL_OPPORTUNITY_DAYS
from workflows.rules.programme import Kind, SlotRule
from workflows.rules.terms import Outcome, Refusal, What


class Try(NamedTuple):
    """An attempt: to file evidence (`outcome` None) or to answer in a role."""

    person: str
    role: Role | None = None
    outcome: Outcome | None = None
    version: int = 0


Teller = Callable[[Case, Try], tuple[str, str]]


def told(reason: Refusal, case: Case, attempt: Try) -> Told:
    """Why the attempt was refused, with names and dates, and what to do next."""
    problem, remedy = _TELLERS[reason](case, attempt)
    return Told(capital(problem), remedy)


def _unknown_step(case: Case, attempt: Try) -> tuple[str, str]:
    return (
        _("{step} finnes ikke lenger i dette året: organisasjonen er endret.").format(step=case.step.key),
        f"{PROGRAM} year show {case.situation.cycle.year}",
    )


def _not_yet(case: Case, attempt: Try) -> tuple[str, str]:
    if case.step.opens > case.today:
        problem = _("{step} er ikke åpnet ennå. Det åpner {day}.")
        remedy = _("Vent til da; du får beskjed. Se steget: {show}")
    else:
        problem = _("{step} skulle åpnet {day}, men ingen arbeider har åpnet det.")
        remedy = _("Start en arbeider med «forsvarlig up», og prøv igjen. Se steget: {show}")
    return problem.format(step=case.step.key, day=format_day(case.step.opens)), remedy.format(show=case.show)


def _closed(case: Case, attempt: Try) -> tuple[str, str]:
    here = case.here
    state = _(STANDINGS[here.settled]) if here is not None and here.settled else ""
    day = format_day(oslo_day(here.settled_at)) if here is not None and here.settled_at else ""
    return (
        _("{step} er avsluttet ({state}, {day}) og tar ikke imot mer.").format(
            step=case.step.key, state=state, day=day
        ),
        _("Se hva det endte med: {show}").format(show=case.show),
    )


def _no_evidence(case: Case, attempt: Try) -> tuple[str, str]:
    here = case.here
    if here is not None and here.version:
        problem = _("Versjon {version} er sendt tilbake, og en ny er ikke lagt fram.").format(
            version=here.version
        )
    else:
        problem = _("Det er ikke lagt fram noe å svare på ennå.")
    owner = case.step.owner
    who = people_who_may(case, [("evidence", owner)])
    holders = case.holders("evidence", owner)
    command = case.submit_command(holders[0].person if holders else _("PERSON"))
    return problem, _("Det er {who} som skal legge det fram: {command}").format(who=who, command=command)


def _not_eligible(case: Case, attempt: Try) -> tuple[str, str]:
    who = name(attempt.person, case.names)
    if attempt.role is None:
        problem = _("{name} kan ikke legge fram noe her i dag; det gjør {role}, en vikar, eller HR.")
        allowed = people_who_may(case, [("evidence", case.step.owner)])
        return problem.format(name=who, role=role_bearer(case.step.owner)), _can(allowed, case)
    slot = _slot(case, attempt.role)
    if attempt.outcome is Outcome.NO_RESPONSE and slot is not None:
        problem = _("{name} kan ikke føre at {other} ikke svarte; det gjør {role}.")
        allowed = people_who_may(case, [("evidence", case.step.owner)])
        text = problem.format(name=who, other=role_bearer(attempt.role), role=role_bearer(case.step.owner))
        return text, _can(allowed, case)
    if slot is None:
        problem = _("{role} blir ikke spurt i {step}.").format(
            role=capital(role_bearer(attempt.role)), step=case.step.key
        )
        return problem, _can(people_who_may(case, _parts(case)), case)
    problem = _("{name} er ikke {role} for {unit} i dag, og svarer heller ikke for en som er det.")
    text = problem.format(name=who, role=role_name(attempt.role), unit=case.unit_name)
    return text, _can(people_who_may(case, [(slot.kind.value, slot.role)]), case)


def _can(allowed: str, case: Case) -> str:
    if not allowed:
        return _("Ingen har rollen nå. Legg den inn med «forsvarlig org import». Se steget: {show}").format(
            show=case.show
        )
    return _("Dette kan {who}. Er katalogen feil, rett den med «forsvarlig org import».").format(who=allowed)


def _not_your_turn(case: Case, attempt: Try) -> tuple[str, str]:
    waiting = case.waiting()
    first = listed(role_bearer(p.role) for p in waiting)
    problem = _("det er ikke {role} sin tur ennå: {first} skal svare først.").format(
        role=_role(attempt), first=first
    )
    who = people_who_may(case, [(p.what, p.role) for p in waiting])
    remedy = _("Vent på {who}; du får beskjed. Se steget: {show}")
    return problem, remedy.format(who=who or first, show=case.show)


def _stale_version(case: Case, attempt: Try) -> tuple[str, str]:
    now = case.here.version if case.here is not None else 0
    problem = _("Svaret gjelder versjon {old}, men nå er det versjon {new} som ligger der.")
    remedy = _("Les den nye, og svar på den: {show}")
    return problem.format(old=attempt.version, new=now), remedy.format(show=case.show)


def _wrong_outcome(case: Case, attempt: Try) -> tuple[str, str]:
    slot = _slot(case, attempt.role)
    kind = slot.kind if slot is not None else Kind.CONSULT
    asked: What = kind.value
    possible = answers(asked)
    problem = _("«{outcome}» er ikke et svar som {role} kan gi: {why}.")
    why = {
        Kind.APPROVE: _("rollen tar stilling"),
        Kind.CONSULT: _("rollen blir rådspurt, og har ikke veto"),
        Kind.TREAT: _("rollen får saken behandlet"),
    }[kind]
    command = case.decide_command(attempt.person, attempt.role, possible[0])
    *most, last = [typed(outcome) for outcome in possible]
    words = _("{most} eller {last}").format(most=", ".join(most), last=last) if most else last
    said = typed(attempt.outcome) if attempt.outcome else ""
    return (
        problem.format(outcome=said, role=_bearer(attempt), why=why),
        _("Svar med {words}, som {command}").format(words=words, command=command),
    )


def _own_document(case: Case, attempt: Try) -> tuple[str, str]:
    here = case.here
    version = here.version if here is not None else attempt.version
    problem = _("{name} la selv fram versjon {version}, og her skal noen andre ta stilling (fire øyne).")
    slot = _slot(case, attempt.role)
    authors = {here.author, here.author_for} if here is not None else set()
    others = [
        holder(h, case.names)
        for h in (case.holders(slot.kind.value, slot.role) if slot is not None else ())
        if not {h.person, h.acting_for} & authors
    ]
    if others:
        remedy = _("Be {who} svare. Se steget: {show}").format(who=listed(others), show=case.show)
    else:
        remedy = _(
            "La en annen legge fram en ny versjon, eller gi rollen en vikar med «forsvarlig org import». "
            "Se steget: {show}"
        ).format(show=case.show)
    return problem.format(name=name(attempt.person, case.names), version=version), remedy


def _already_decided(case: Case, attempt: Try) -> tuple[str, str]:
    here = case.here
    version = here.version if here is not None else 0
    if attempt.role is None:
        return (
            _("Akkurat dette dokumentet er alt lagt fram som versjon {version}.").format(version=version),
            _("Endre det først hvis du ville legge fram en ny versjon. Se steget: {show}").format(
                show=case.show
            ),
        )
    earlier = [d for d in (here.now_decided() if here is not None else ()) if d.role is attempt.role]
    who = listed(dict.fromkeys(name(d.person, case.names) for d in earlier))
    return (
        _("{who} har alt svart som {role} på versjon {version}. Det svaret står.").format(
            who=who, role=role_name(attempt.role), version=version
        ),
        _(
            "Et svar kan ikke gjøres om; kommer det en ny versjon, blir du spurt igjen. Se steget: {show}"
        ).format(show=case.show),
    )


def _two_roles(case: Case, attempt: Try) -> tuple[str, str]:
    problem = _(
        "{name} har alt svart på denne versjonen i en annen rolle. Den som er rådspurt, kan ikke også "
        "bestemme, og omvendt."
    )
    remedy = _(
        "En annen må svare som {role}; en vikar legges inn med «forsvarlig org import». Se steget: {show}"
    )
    return (
        problem.format(name=name(attempt.person, case.names)),
        remedy.format(role=_role(attempt), show=case.show),
    )


def _comment_required(case: Case, attempt: Try) -> tuple[str, str]:
    outcome = attempt.outcome or Outcome.DISAGREES
    return (
        _("«{outcome}» trenger en begrunnelse.").format(outcome=typed(outcome)),
        case.decide_command(attempt.person, attempt.role, outcome),
    )


def _opportunity_not_given(case: Case, attempt: Try) -> tuple[str, str]:
    here = case.here
    question = here.question("consult", attempt.role, here.version) if here and attempt.role else None
    if question is None:
        problem = _("{role} er ikke spurt om denne versjonen ennå.").format(role=capital(_bearer(attempt)))
        return problem, _("Vent til det er gjort. Se steget: {show}").format(show=case.show)
    asked = oslo_day(question.asked_at)
    last = case.situation.programme.calendar.consultation_deadline(asked, REAL_OPPORTUNITY_DAYS)
    problem = _("{role} ble spurt {day} og har fortsatt tid til å svare.")
    remedy = _("Vent til {day}, og snakk med {who} så lenge. Se steget: {show}")
    who = people_who_may(case, [("consult", question.role)]) or role_bearer(question.role)
    return (
        problem.format(role=capital(role_bearer(question.role)), day=format_day(asked)),
        remedy.format(day=format_day(last), who=who, show=case.show),
    )


def _slot(case: Case, role: Role | None) -> SlotRule | None:
    return next((s for s in case.step.slots if s.role is role), None)


def _parts(case: Case) -> list[tuple[What, Role]]:
    return [(s.kind.value, s.role) for s in case.step.slots]


def _known(attempt: Try) -> Role:
    return attempt.role or Role.EMPLOYEES


def _role(attempt: Try) -> str:
    return role_name(_known(attempt))


def _bearer(attempt: Try) -> str:
    return role_bearer(_known(attempt))


def _too_late(case: Case, attempt: Try) -> tuple[str, str]:
    return (
        _(
            "Det er for sent: fristen for å svare i {step} er ute fordi året eller enheten er avsluttet."
        ).format(step=case.step.key),
        _("Se hva det endte med: {show}").format(show=case.show),
    )


def _wrong_document(case: Case, attempt: Try) -> tuple[str, str]:
    problem = _("Svaret gjelder et annet dokument enn det som er lagt fram som versjon {version}.")
    version = case.here.version if case.here is not None else attempt.version
    return problem.format(version=version), _("Les det som ligger der, og svar på det: {show}").format(
        show=case.show
    )


def _wrong_stage(case: Case, attempt: Try) -> tuple[str, str]:
    return (
        _("{step} kan ikke sendes tilbake dit: det bygger ikke på noe ferdig steg i den fasen.").format(
            step=case.step.key
        ),
        _("Send saken tilbake uten å nevne en fase, eller velg en fase som den bygger på: {show}").format(
            show=case.show
        ),
    )


def _nothing_to_answer(case: Case, attempt: Try) -> tuple[str, str]:
    return (
        _("Ingen har sagt seg uenig i den versjonen av {step}, så det er ikke noe å svare på.").format(
            step=case.step.key
        ),
        _("Se hvem som er uenig, og i hvilken versjon: {show}").format(show=case.show),
    )


def _plain(reason: Refusal) -> Teller:
    def teller(case: Case, attempt: Try) -> tuple[str, str]:
        problem, remedy = told_plainly(reason)
        return problem, remedy

    return teller


_TELLERS: Final[Mapping[Refusal, Teller]] = {
    **{reason: _plain(reason) for reason in PLAINLY},
    Refusal.TOO_LATE: _too_late,
    Refusal.WRONG_DOCUMENT: _wrong_document,
    Refusal.WRONG_STAGE: _wrong_stage,
    Refusal.NOTHING_TO_ANSWER: _nothing_to_answer,
    Refusal.UNKNOWN_STEP: _unknown_step,
    Refusal.NOT_YET: _not_yet,
    Refusal.CLOSED: _closed,
    Refusal.NO_EVIDENCE: _no_evidence,
    Refusal.NOT_ELIGIBLE: _not_eligible,
    Refusal.NOT_YOUR_TURN: _not_your_turn,
    Refusal.STALE_VERSION: _stale_version,
    Refusal.WRONG_OUTCOME: _wrong_outcome,
    Refusal.OWN_DOCUMENT: _own_document,
    Refusal.ALREADY_DECIDED: _already_decided,
    Refusal.TWO_ROLES: _two_roles,
    Refusal.COMMENT_REQUIRED: _comment_required,
    Refusal.OPPORTUNITY_NOT_GIVEN: _opportunity_not_given,
}
