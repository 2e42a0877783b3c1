"""What `forsvarlig delegate` and `forsvarlig absence` share: times, how each is said, and why one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from activities.language import N_, _
from activities.words import capital, listed
from worker.cli.desk import Desk
from worker.cli.failures import Conflict, Failure
from worker.cli.naming import name
from worker.cli.receipts import recorded
from worker.cli.words import role_name, whole_day
from workflows.rules.delegation import LONGEST, elected_in
from workflows.rules.organisation import Absence, Delegation, Organisation, Slice
from workflows.rules.succession import LONGEST_CHAIN
from workflows.rules.terms import Refusal

if TYPE_CHECKING:
    from activities.receipts import Receipt


_REFUSED: Final[Mapping[Refusal, tuple[str, str]]] = {
    Refusal.NOT_ELIGIBLE: (
        N_("{actor} kan ikke gjøre det for {person}."),
        N_(
            "Du kan bare gi fra deg dine egne oppgaver, i roller du har. At noen er borte, kan lederen og HR si: "
            "forsvarlig absence set --person NAVN --substitute NAVN"
        ),
    ),
    Refusal.NOT_DELEGABLE: (
        N_(
            "Det kan ikke gis fullmakt til verv som {person} er valgt til, og arbeidsgiver peker ikke ut hvem som "
            "trer inn."
        ),
        N_(
            "Den som er valgt, sier selv fra om å være borte; da trer vara inn: forsvarlig absence set --as NAVN"
        ),
    ),
    Refusal.UNKNOWN_PERSON: (
        N_("En av dem er ikke kjent i virksomheten, eller har sluttet."),
        N_("Se hvem som er der: forsvarlig org show"),
    ),
    Refusal.WRONG_DATES: (
        N_("Datoene er ikke mulige: den siste dagen må komme etter den første og ikke være over."),
        N_(
            "Gi dagene på nytt: --from DATO --until DATO. En fullmakt varer høyst {days} dager, og en som gjelder, "
            "kan bare gjøres kortere: forsvarlig delegate end ID --as NAVN --on DATO"
        ),
    ),
    Refusal.WRONG_PLACE: (
        N_("Enheten finnes ikke i den tiden."),
        N_("Se enhetene: forsvarlig org show"),
    ),
    Refusal.TWO_ROLES: (
        N_("{other} er valgt til verneombud eller vara, og kan ikke handle for arbeidsgiver."),
        N_("Velg en som ikke har et slikt verv."),
    ),
    Refusal.LOOP: (
        N_("Da ville oppgavene gått i ring, eller gjennom flere enn {links} ledd."),
        N_("Se fullmaktene: forsvarlig delegate list"),
    ),
    Refusal.ALREADY_DECIDED: (
        N_("{person} har alt gitt {other} den fullmakten."),
        N_("Du trenger ikke gjøre noe. Se fullmaktene: forsvarlig delegate list"),
    ),
    Refusal.UNKNOWN_DELEGATION: (
        N_("Den fullmakten finnes ikke."),
        N_("Se fullmaktene: forsvarlig delegate list"),
    ),
    Refusal.OWN_KEY_REQUIRED: (
        N_("{actor} har egen nøkkel, og må signere med den."),
        N_("Legg nøkkelfilen på plass, og kjør kommandoen igjen."),
    ),
}  # fmt: skip
_OTHER: Final = (N_("Det ble nektet ({reason})."), N_("Se hva som er ført: forsvarlig history"))


def first_day_after(last: date) -> date:
    """`last` is the last day as people say it; what is recorded is the first day after."""
    return last + timedelta(days=1)


def last_day(until: date | None) -> date | None:
    """The last day of what is over on `until`."""
    return None if until is None else until - timedelta(days=1)


def time_of(slice: Slice) -> str:
    """«fra 5. juli 2027 til og med 31. juli 2027»."""
    last = last_day(slice.until)
    if last is None:
        return _("fra {first}").format(first=whole_day(slice.since))
    return _("fra {first} til og med {last}").format(first=whole_day(slice.since), last=whole_day(last))


def scope_of(delegation: Delegation, organisation: Organisation) -> str:
    """What a delegation covers: «rollen som leder for Sagbruk, steg Y15», or everything but elected roles."""
    units = {unit.id: unit.name for unit in organisation.units}
    parts = []
    if delegation.role is not None:
        parts.append(_("rollen som {role}").format(role=role_name(delegation.role)))
    if delegation.step is not None:
        parts.append(_("steg {step}").format(step=delegation.step))
    parts = parts or [_("alt")]
    if delegation.unit is not None:
        unit = units.get(delegation.unit, delegation.unit)
        parts[0] = _("{what} for {unit}").format(what=parts[0], unit=unit)
    elected = elected_in(organisation, delegation.person, delegation.since, delegation.until)
    if delegation.role is None and elected:
        parts.append(_("unntatt rollen som {roles}").format(roles=listed(map(role_name, elected))))
    return ", ".join(parts)


def handed_on(delegation: Delegation, organisation: Organisation, names: Mapping[str, str]) -> str:
    """Who has handed what to whom, and when."""
    return _("{person} har gitt {to} fullmakt {time}. Den gjelder {scope}.").format(
        person=name(delegation.person, names), scope=scope_of(delegation, organisation),
        to=name(delegation.to, names), time=time_of(delegation),
    )  # fmt: skip


def away(absence: Absence, names: Mapping[str, str]) -> str:
    """Who is away, when, and who acts meanwhile."""
    text = _("{name} er borte {time}, og {substitute} er vikar.")
    if absence.substitute is None:
        text = _("{name} er borte {time}, uten vikar.")
    return text.format(
        name=name(absence.person, names),
        time=time_of(absence),
        substitute=name(absence.substitute or "", names),
    )


def not_over(slices: tuple[Delegation, ...] | tuple[Absence, ...], today: date) -> list[Slice]:
    """Those that are in force or to come, the first to begin first."""
    coming = (s for s in slices if s.until is None or max(today, s.since) < s.until)
    return sorted(coming, key=lambda s: s.since)


def deputy_note(organisation: Organisation, person: str, time: Slice, names: Mapping[str, str]) -> str | None:
    """What becomes of an elected role of the person while somebody else does the rest."""
    held = elected_in(organisation, person, time.since, time.until)
    if not held:
        return None
    text = _("{roles} følger ikke med: der trer vara inn når {name} er borte.")
    return text.format(roles=capital(listed(map(role_name, held))), name=name(person, names))


def refused(desk: Desk, receipt: Receipt, actor: str, person: str, other: str | None) -> Failure:
    """Why it was refused, with names, and what to do next."""
    problem, remedy = _REFUSED.get(receipt.reason or Refusal.UNREADABLE, _OTHER)
    values = {
        "actor": name(actor, desk.names), "person": name(person, desk.names),
        "other": name(other or person, desk.names), "days": LONGEST, "links": LONGEST_CHAIN,
        "reason": receipt.reason,
    }  # fmt: skip
    return Conflict(recorded(_(problem).format(**values), receipt), _(remedy).format(**values))
