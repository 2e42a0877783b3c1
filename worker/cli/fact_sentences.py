"""Facts, answers and refusals in plain words: one sentence a fact, in the language spoken now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from activities.language import _, format_day, ngettext
from activities.words import OUTCOME_NAMES, REVOKED, capital, listed
from worker.cli.fact_words import ANSWERED, ASKED, BECAUSE, PROFILES, REASONS, TRIED
from worker.cli.naming import (
    MOST_NAMED,
    Names,
    holder,
    lacking,
    name,
    on_behalf,
    people,
    role_bearer,
    short_hash,
    visible,
)
from worker.cli.record_sentences import said_of_the_record
from worker.cli.words import role_name
from workflows.rules.authority_facts import AbsenceSet, Delegated, DelegationEnded, KeyEnrolled, KeyRevoked
from workflows.rules.events import (
    AnswerDemanded,
    AnswerOverdue,
    Appointed,
    Asked,
    AttemptRefused,
    Body,
    CycleClosed,
    CycleStarted,
    DecisionDisregarded,
    DecisionRecorded,
    DecisionsStale,
    DisagreementAnswered,
    DueDateChanged,
    DutyChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    OrganisationChanged,
    Reminded,
    ResponsibilityMoved,
    RoleVacant,
    RunStartedAgain,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepReopened,
    StepWithdrawn,
    UnitYearStarted,
    WecMatterRaised,
)
from workflows.rules.terms import Outcome

_NOBODY: Final[Names] = MappingProxyType({})


def describe(fact: Fact, names: Mapping[str, str]) -> str:
    """What the fact says, as one sentence without its place and time; `names` are people's names by id.

    Plain text: nothing in it can steer a terminal, but `[…]` in a name would be markup to rich, so print it
    as `rich.text.Text` or with click.
    """
    return sentence(fact.body, fact.actor, names)


def sentence(body: Body, actor: str, names: Names, units: Names = _NOBODY) -> str:
    """As `describe`, from the fact's parts; `units` are units' names by id."""
    return "".join(_said(body, actor, names, units)) + "."


def _said(body: Body, actor: str, names: Names, units: Names) -> Iterator[str]:
    match body:
        case EvidenceSubmitted() | DecisionRecorded() | DisagreementAnswered():
            yield from _said_by_a_person(body, actor, names)
        case AttemptRefused():
            yield from _said_of_an_attempt(body, actor, names)
        case (
            AnswerDemanded() | WecMatterRaised() | AnswerOverdue() | DecisionsStale() | DecisionDisregarded()
        ):
            yield from _said_of_answers(body, names)
        case Appointed() | Delegated() | DelegationEnded() | AbsenceSet():
            yield from _said_of_substitutes(body, names, units)
        case KeyEnrolled() | KeyRevoked():
            yield from _said_of_a_key(body, names)
        case Asked() | RoleVacant() | Reminded() | Escalated() | ResponsibilityMoved() | Informed():
            yield from _said_about_people(body, names)
        case StepOpened() | SentBack() | StepClosed() | StepReopened() | DueDateChanged():
            yield from _said_of_a_step(body, names)
        case StepWithdrawn() | StepLeftOpen():
            yield from _said_of_a_step(body, names)
        case CycleStarted() | UnitYearStarted() | OrganisationChanged() | DutyChanged():
            yield from _said_of_a_year(body, units)
        case CycleClosed() | RunStartedAgain():
            yield from _said_of_a_year(body, units)
        case _:
            yield from said_of_the_record(
                body,
                capital(name(actor, names)),
                lambda id: name(id, names),
                lambda id: visible(units.get(id, id)),
            )


def _said_by_a_person(
    body: EvidenceSubmitted | DecisionRecorded | DisagreementAnswered, actor: str, names: Names
) -> Iterator[str]:
    match body:
        case EvidenceSubmitted(document=document, version=version, on_behalf_of=other):
            yield _("{who} la fram versjon {version} (fingeravtrykk {hash})").format(
                who=on_behalf(actor, other, names), version=version, hash=short_hash(document)
            )
        case DecisionRecorded(outcome=Outcome.NO_RESPONSE):
            text = _("{who} førte at {role} ikke svarte på versjon {version} etter en reell mulighet")
            yield text.format(who=name(actor, names), role=role_bearer(body.role), version=body.version)
        case DecisionRecorded(on_behalf_of=other):
            who = f"{on_behalf(actor, other, names)} ({role_name(body.role)})"
            yield _(ANSWERED[body.outcome]).format(who=who, version=body.version)
            if not body.fulfils and body.outcome not in (Outcome.REJECTED, Outcome.CHANGES_REQUESTED):
                yield _("; flere svar trengs")
        case DisagreementAnswered(version=version, late=late, on_behalf_of=other):
            text = _("{who} svarte på uenigheten om versjon {version}")
            yield text.format(who=on_behalf(actor, other, names), version=version)
            if late:
                yield _(", etter fristen")


def _said_of_an_attempt(body: AttemptRefused, actor: str, names: Names) -> Iterator[str]:
    who = name(actor, names)
    if body.claimed is not None:
        who = _("noen som utga seg for {name}").format(name=name(body.claimed, names))
    attempt = body.attempt if body.attempt != "decision" or body.role else "statement"
    yield _(TRIED[attempt]).format(
        who=who,
        outcome=_(OUTCOME_NAMES[body.outcome]) if body.outcome else "–",
        role=role_name(body.role) if body.role else "–",
        reason=_(REASONS[body.reason]),
    )
    if body.count > 1:
        yield ngettext(" ({count} gang)", " ({count} ganger)", body.count).format(count=body.count)


def _said_of_answers(
    body: AnswerDemanded | WecMatterRaised | AnswerOverdue | DecisionsStale | DecisionDisregarded,
    names: Names,
) -> Iterator[str]:
    match body:
        case AnswerDemanded(version=version, disagree=who, due=due):
            text = _("{who} er uenig i versjon {version}; arbeidsgiver skal svare innen {day}")
            yield text.format(who=people(who, names), version=version, day=format_day(due))
        case WecMatterRaised(version=version, people=told):
            text = _("Uenigheten om versjon {version} er meldt videre, til {who}")
            yield text.format(version=version, who=people(told, names))
        case AnswerOverdue(version=version, due=due, people=told):
            text = _(
                "Arbeidsgiver svarte ikke på uenigheten om versjon {version} innen {day}; {who} har fått beskjed"
            )
            yield text.format(version=version, day=format_day(due), who=people(told, names))
        case DecisionsStale(version=version, people=told, because=why):
            text = _("Svarene om versjon {version} fra {who} gjelder ikke lenger, {why}")
            yield text.format(version=version, who=people(told, names), why=_(BECAUSE[why]))
        case DecisionDisregarded(reason=reason):
            text = _("Et svar som er ført, teller ikke: {reason}")
            yield text.format(reason=_(REASONS[reason]))


def _said_of_substitutes(
    body: Appointed | Delegated | DelegationEnded | AbsenceSet, names: Names, units: Names
) -> Iterator[str]:
    match body:
        case Appointed(role=role, people=holders):
            text = _("{who} har fått ansvar som {role}")
            yield text.format(who=listed(holder(h, names) for h in holders), role=role_name(role))
        case Delegated(person=person, to=to, since=since, until=until):
            text = _("{who} svarer for {other} fra {since} til og med {last}")
            who, other = name(to, names), name(person, names)
            yield text.format(who=who, other=other, since=format_day(since), last=_last(until))
            limits = [role_name(body.role)] if body.role is not None else []
            limits += [part for part in (body.step, units.get(body.unit or "", body.unit)) if part]
            if limits:
                yield _(", bare for {what}").format(what=listed(map(visible, limits)))
        case DelegationEnded(until=until):
            yield _("Fullmakten gjelder ikke lenger fra {day}").format(day=format_day(until))
        case AbsenceSet(person=person, since=since, until=until, substitute=other):
            text = _("{who} er borte fra {since} til og med {last}")
            yield text.format(who=name(person, names), since=format_day(since), last=_last(until))
            if other is not None:
                yield _("; {who} er vikar").format(who=name(other, names))


def _last(until: date) -> str:
    """The last day of what is true up to `until`: people count it in."""
    return format_day(until - timedelta(days=1))


def _said_of_a_key(body: KeyEnrolled | KeyRevoked, names: Names) -> Iterator[str]:
    match body:
        case KeyEnrolled(key=key, person=None):
            yield _("Installasjonens nøkkel {key} er registrert").format(key=key)
        case KeyEnrolled(key=key, person=person):
            yield _("Nøkkelen {key} er registrert på {who}").format(key=key, who=name(person or "", names))
        case KeyRevoked(key=key, reason=reason):
            text = _("Nøkkelen {key} er trukket tilbake: {reason}")
            yield text.format(key=key, reason=_(REVOKED[reason]))


def _said_about_people(
    body: Asked | RoleVacant | Reminded | Escalated | ResponsibilityMoved | Informed, names: Names
) -> Iterator[str]:
    match body:
        case Asked(what=what, role=role, people=holders):
            who = listed(holder(h, names) for h in holders[:MOST_NAMED])
            if len(holders) > MOST_NAMED:
                who = people((h.person for h in holders), names)
            yield _(ASKED[what]).format(who=who, role=role_name(role), version=body.version)
        case RoleVacant(role=role):
            yield _("Ingen er {role}; det er ført, og arbeidet går videre").format(role=role_name(role))
        case Reminded(days_before=0, people=told):
            yield _("{who} er minnet på at fristen er i dag").format(who=people(told, names))
        case Reminded(days_before=days, people=told):
            text = ngettext(
                "{who} er minnet på det, {days} dag før fristen",
                "{who} er minnet på det, {days} dager før fristen",
                days,
            )
            yield text.format(who=people(told, names), days=days)
        case Escalated(days_after=days, people=told):
            text = ngettext(
                "Fristen er brutt med {days} dag; {who} har fått beskjed",
                "Fristen er brutt med {days} dager; {who} har fått beskjed",
                days,
            )
            yield text.format(who=people(told, names), days=days)
            if body.deviation:
                yield _("; avviket «frist brutt» er ført")
            if body.wec_item:
                yield _("; saken er meldt til AMU")
        case ResponsibilityMoved(role=role, before=before, after=after):
            text = _("Oppgaven som {role} er flyttet fra {before} til {after}")
            yield text.format(role=role_name(role), before=people(before, names), after=people(after, names))
        case Informed(roles=roles, people=told):
            yield _("{who} har fått beskjed om utfallet ({roles})").format(
                who=people(told, names), roles=listed(map(role_bearer, roles))
            )


def _said_of_a_step(
    body: StepOpened | SentBack | StepClosed | StepReopened | DueDateChanged | StepWithdrawn | StepLeftOpen,
    names: Names,
) -> Iterator[str]:
    match body:
        case StepOpened(due=due, predecessors_open=before):
            yield _("Åpnet, med frist {day}").format(day=format_day(due))
            if before:
                yield _("; {steps}, som det bygger på, er ikke ferdig").format(steps=listed(before))
        case SentBack(version=version):
            yield _("Versjon {version} er sendt tilbake; en ny versjon trengs").format(version=version)
        case StepClosed(version=version, late=late):
            yield _("Ferdig med versjon {version}").format(version=version)
            if late:
                yield _(", etter fristen")
            if body.disagreements:
                yield _("; uenig: {who}").format(who=people(body.disagreements, names))
            if body.vacant:
                yield _("; ingen hadde rollen som {roles}").format(roles=listed(map(role_name, body.vacant)))
        case StepReopened(because=why, due=due, by=by):
            yield _("Åpnet igjen {why}, med frist {day}").format(why=_(BECAUSE[why]), day=format_day(due))
            if by is not None:
                yield f" ({by})"
        case DueDateChanged(before=old, after=new, reason=reason):
            text = {
                "organisation_changed": _(
                    "Fristen er flyttet fra {old} til {new}, fordi organisasjonen er endret"
                ),
                "decided": _("Fristen er flyttet fra {old} til {new} etter en beslutning"),
            }[reason]
            yield text.format(old=format_day(old), new=format_day(new))
        case StepWithdrawn(reason=why):
            yield {
                "unit_closed": _("Falt bort fordi enheten er lagt ned"),
                "duty_ended": _("Falt bort fordi plikten ikke lenger gjelder"),
            }[why]
        case StepLeftOpen(missing=missing):
            yield _("Ikke gjort da året ble lukket; det manglet {what}").format(what=lacking(missing))


def _said_of_a_year(
    body: CycleStarted | UnitYearStarted | OrganisationChanged | DutyChanged | CycleClosed | RunStartedAgain,
    units: Names,
) -> Iterator[str]:
    match body:
        case CycleStarted(profile=profile, rehearsal=rehearsal):
            text = _("Året er startet som prøvekjøring, med {profile}") if rehearsal else _(
                "Året er startet, med {profile}"
            )  # fmt: skip
            yield text.format(profile=_(PROFILES[profile]))
        case UnitYearStarted(unit=unit):
            yield _("Året er startet for {unit}").format(unit=visible(units.get(unit, unit)))
        case OrganisationChanged(organisation=hash):
            yield _("En ny organisasjon gjelder (fingeravtrykk {hash})").format(hash=short_hash(hash))
        case DutyChanged(profile_before=before, profile_after=after, everyone=everyone):
            text = ngettext(
                "Med {count} i arbeid gjelder {after} i stedet for {before}",
                "Med {count} i arbeid gjelder {after} i stedet for {before}",
                everyone,
            )
            yield text.format(count=everyone, after=_(PROFILES[after]), before=_(PROFILES[before]))
        case CycleClosed(closed=closed, left_open=left_open, withdrawn=withdrawn):
            yield _("Året er lukket: {closed} ferdig, {open} ikke gjort, {withdrawn} falt bort").format(
                closed=closed, open=left_open, withdrawn=withdrawn
            )
        case RunStartedAgain():
            yield _("Årshjulet sto stille i motoren og er startet igjen; det går videre fra det som er ført")
