"""Facts, answers and refusals in plain words: one sentence a fact, in the language spoken now."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from activities.language import N_, _, current, format_day, ngettext
from activities.words import OUTCOME_NAMES, ROLES
from worker.cli.words import listed, role_name
from workflows.rules.events import (
    SYSTEM,
    Asked,
    AttemptRefused,
    Body,
    CycleClosed,
    CycleStarted,
    DecisionRecorded,
    DueDateChanged,
    DutyChanged,
    Escalated,
    EvidenceSubmitted,
    Fact,
    Informed,
    OrganisationChanged,
    Outcome,
    Refusal,
    Reminded,
    ResponsibilityMoved,
    RoleVacant,
    SentBack,
    StepClosed,
    StepLeftOpen,
    StepOpened,
    StepWithdrawn,
    UnitYearStarted,
)
from workflows.rules.organisation import Holder, Profile, Role
from workflows.rules.standing import What

Names = Mapping[str, str]
"""What people are called, by id. Whoever is not there (erased, unknown) is called by the id."""

_NOBODY: Final[Names] = MappingProxyType({})
_HASH_SHOWN: Final = 12
_MOST_NAMED: Final = 6

KINDS: Final[Mapping[str, str]] = {
    "cycle_started": N_("året er startet"),
    "unit_year_started": N_("året er startet for en enhet"),
    "step_opened": N_("steget er åpnet"),
    "asked": N_("noen er spurt"),
    "role_vacant": N_("ingen har rollen"),
    "reminded": N_("påminnelse"),
    "escalated": N_("frist brutt"),
    "responsibility_moved": N_("ansvaret er flyttet"),
    "evidence_submitted": N_("dokument lagt fram"),
    "decision_recorded": N_("svar"),
    "attempt_refused": N_("nektet forsøk"),
    "sent_back": N_("sendt tilbake"),
    "step_closed": N_("steget er ferdig"),
    "informed": N_("beskjed om utfallet"),
    "due_date_changed": N_("ny frist"),
    "step_withdrawn": N_("steget er falt bort"),
    "step_left_open": N_("ikke gjort da året ble lukket"),
    "organisation_changed": N_("ny organisasjon"),
    "duty_changed": N_("en plikt er begynt eller falt bort"),
    "cycle_closed": N_("året er lukket"),
}
"""Each kind of fact, in a few words."""

PROFILES: Final[Mapping[Profile, str]] = {
    Profile.SMALL: N_("ordningen for de minste virksomhetene"),
    Profile.MEDIUM: N_("ordningen med verneombud, uten AMU"),
    Profile.LARGE: N_("ordningen med AMU"),
}

REASONS: Final[Mapping[Refusal, str]] = {
    Refusal.UNKNOWN_STEP: N_("steget finnes ikke i dette året"),
    Refusal.NOT_YET: N_("steget var ikke åpnet ennå"),
    Refusal.CLOSED: N_("steget var avsluttet"),
    Refusal.NO_EVIDENCE: N_("det var ikke lagt fram noe å svare på"),
    Refusal.NOT_ELIGIBLE: N_("personen hadde ikke den rollen her"),
    Refusal.NOT_YOUR_TURN: N_("andre skulle svare først"),
    Refusal.STALE_VERSION: N_("svaret gjaldt en annen versjon enn den som lå der"),
    Refusal.WRONG_OUTCOME: N_("svaret passer ikke til det rollen blir spurt om"),
    Refusal.OWN_DOCUMENT: N_("personen hadde selv lagt fram dokumentet"),
    Refusal.ALREADY_DECIDED: N_("det var gjort fra før"),
    Refusal.TWO_ROLES: N_("personen hadde alt svart i en annen rolle"),
    Refusal.COMMENT_REQUIRED: N_("svaret manglet begrunnelse"),
    Refusal.OPPORTUNITY_NOT_GIVEN: N_("den som var spurt, hadde ikke hatt en reell mulighet til å svare"),
}
"""Why an attempt was refused, as half a sentence about the past."""

_ANSWERED: Final[Mapping[Outcome, str]] = {
    Outcome.APPROVED: N_("{who} godkjente versjon {version}"),
    Outcome.CHANGES_REQUESTED: N_("{who} ba om endringer i versjon {version}"),
    Outcome.REJECTED: N_("{who} avviste versjon {version}"),
    Outcome.AGREED: N_("{who} er enig i versjon {version}"),
    Outcome.AGREED_WITH_REMARKS: N_("{who} er enig i versjon {version}, med merknader"),
    Outcome.DISAGREES: N_("{who} er uenig i versjon {version}"),
    Outcome.TREATED: N_("{who} meldte at versjon {version} er behandlet"),
}

_ASKED: Final[Mapping[What, str]] = {
    "evidence": N_("{who} ({role}) er bedt om å legge fram dokumentasjon"),
    "approve": N_("{who} ({role}) er bedt om å ta stilling til versjon {version}"),
    "consult": N_("{who} ({role}) er rådspurt om versjon {version}"),
    "treat": N_("{who} ({role}) er bedt om å få versjon {version} behandlet"),
}

_LACKING: Final[Mapping[str, str]] = {
    "evidence": N_("dokumentasjon fra {role}"),
    "approve": N_("svar fra {role}"),
    "consult": N_("uttalelse fra {role}"),
    "treat": N_("behandling hos {role}"),
}

ALIASES: Final[Mapping[str, Outcome]] = {
    "godkjenn": Outcome.APPROVED,
    "avvis": Outcome.REJECTED,
    "be-om-endring": Outcome.CHANGES_REQUESTED,
    "enig": Outcome.AGREED,
    "enig-med-merknad": Outcome.AGREED_WITH_REMARKS,
    "uenig": Outcome.DISAGREES,
    "ikke-svart": Outcome.NO_RESPONSE,
    "behandlet": Outcome.TREATED,
}
"""The Norwegian words for answers that `forsvarlig decide --outcome` takes."""


def typed(outcome: Outcome) -> str:
    """The answer as it is typed on the command line, in the language spoken."""
    if current() == "en":
        return outcome.value
    return next(word for word, meant in ALIASES.items() if meant is outcome)


def visible(text: str, *, lines: bool = False) -> str:
    """The text with every character that could steer a terminal written out as `\\x1b`.

    That is controls, marks that turn the reading direction, and lone surrogates; with `lines`, line breaks
    stay.
    """
    return "".join(
        char if (lines and char == "\n") or not unicodedata.category(char).startswith(("C", "Zl", "Zp"))
        else char.encode("unicode_escape").decode()
        for char in text
    )  # fmt: skip


def name(person: str, names: Names) -> str:
    """What a person is called; the id of whoever is not in the directory (any more)."""
    if person == SYSTEM:
        return _("systemet")
    return visible(names.get(person) or person)


def people(ids: Iterable[str], names: Names) -> str:
    """The names, or the first of them and how many more there are."""
    everyone = list(dict.fromkeys(ids))
    if not everyone:
        return _("ingen")
    if len(everyone) <= _MOST_NAMED:
        return listed(name(p, names) for p in everyone)
    shown = ", ".join(name(p, names) for p in everyone[: _MOST_NAMED - 1])
    return _("{shown} og {count} til").format(shown=shown, count=len(everyone) - _MOST_NAMED + 1)


def holder(held: Holder, names: Names) -> str:
    """Who acts, and for whom."""
    return on_behalf(held.person, held.acting_for, names)


def on_behalf(person: str, other: str | None, names: Names) -> str:
    """«Kari», or «Kari for Per»."""
    if other is None:
        return name(person, names)
    return _("{name} for {other}").format(name=name(person, names), other=name(other, names))


def role_bearer(role: Role) -> str:
    """The one who has the role, as in «… får beskjed»."""
    return _(ROLES[role][1])


def short_hash(hash: str) -> str:
    """As much of a fingerprint as people compare by eye."""
    return hash[:_HASH_SHOWN]


def lacking(missing: Iterable[str]) -> str:
    """What was missing, from `what:role` codes."""
    parts = []
    for code in missing:
        what, _colon, role = code.partition(":")
        known = what in _LACKING and role in {r.value for r in Role}
        parts.append(_(_LACKING[what]).format(role=role_bearer(Role(role))) if known else code)
    return listed(parts)


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
        case EvidenceSubmitted() | DecisionRecorded() | AttemptRefused():
            yield from _said_by_a_person(body, actor, names)
        case Asked() | RoleVacant() | Reminded() | Escalated() | ResponsibilityMoved() | Informed():
            yield from _said_about_people(body, names)
        case StepOpened() | SentBack() | StepClosed() | DueDateChanged() | StepWithdrawn() | StepLeftOpen():
            yield from _said_of_a_step(body, names)
        case CycleStarted() | UnitYearStarted() | OrganisationChanged() | DutyChanged() | CycleClosed():
            yield from _said_of_a_year(body, units)


def _said_by_a_person(
    body: EvidenceSubmitted | DecisionRecorded | AttemptRefused, actor: str, names: Names
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
            yield _(_ANSWERED[body.outcome]).format(who=who, version=body.version)
            if not body.fulfils and body.outcome not in (Outcome.REJECTED, Outcome.CHANGES_REQUESTED):
                yield _("; flere svar trengs")
        case AttemptRefused(attempt="evidence"):
            text = _("Nektet: {who} prøvde å legge fram et dokument, men {reason}")
            yield text.format(who=name(actor, names), reason=_(REASONS[body.reason]))
        case AttemptRefused():
            text = _("Nektet: {who} prøvde å svare «{outcome}» som {role}, men {reason}")
            yield text.format(
                who=name(actor, names),
                outcome=_(OUTCOME_NAMES[body.outcome]) if body.outcome else "–",
                role=role_name(body.role) if body.role else "–",
                reason=_(REASONS[body.reason]),
            )


def _said_about_people(
    body: Asked | RoleVacant | Reminded | Escalated | ResponsibilityMoved | Informed, names: Names
) -> Iterator[str]:
    match body:
        case Asked(what=what, role=role, people=holders):
            who = listed(holder(h, names) for h in holders[:_MOST_NAMED])
            if len(holders) > _MOST_NAMED:
                who = people((h.person for h in holders), names)
            yield _(_ASKED[what]).format(who=who, role=role_name(role), version=body.version)
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
    body: StepOpened | SentBack | StepClosed | DueDateChanged | StepWithdrawn | StepLeftOpen, names: Names
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
    body: CycleStarted | UnitYearStarted | OrganisationChanged | DutyChanged | CycleClosed, units: Names
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
