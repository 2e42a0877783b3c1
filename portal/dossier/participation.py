"""How the employees and their representatives took part, and who was responsible when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from activities.language import _, ngettext
from activities.words import OUTCOME_NAMES
from portal.dossier.paper import Block, Grid, Pairs, Paragraph
from portal.dossier.requirements import dissented, votes
from portal.dossier.telling import Teller, day, day_of, numbers, refs, role_bearer, role_name
from workflows.rules.calendar import oslo_day
from workflows.rules.events import Asked, Informed
from workflows.rules.evidence import Reply, StepEvidence
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.terms import CycleRef, Outcome

HEARD = (Outcome.AGREED, Outcome.AGREED_WITH_REMARKS, Outcome.DISAGREES, Outcome.NO_RESPONSE)
"""What a consultation can end with."""

RESPONSIBLE = (
    "appointed", "responsibility_moved", "delegated", "delegation_ended", "absence_set", "role_vacant",
)  # fmt: skip
"""Facts that say who had a task, or that nobody had it."""


def participation(teller: Teller) -> Iterator[Block]:
    """The consultations and what came of them, the committee's treatment, and every disagreement."""
    replies = [(step, reply) for step in teller.sources.steps for reply in step.replies]
    heard = [(step, r) for step, r in replies if r.asked is Kind.CONSULT]
    treated = [(step, r) for step, r in replies if r.asked is Kind.TREAT]
    yield Paragraph(
        text=_(
            "Verneombud og tillitsvalgte blir rådspurt, og AMU behandler saker. Taushet teller aldri som svar: "
            "at noen ikke svarte, er ført som nettopp det, etter at de hadde en reell mulighet."
        )
    )
    yield Pairs(rows=tuple(_counts(teller, [r for _s, r in heard], len(treated))))
    if heard:
        yield _answers(teller, _("Rådspurte, og hva de svarte"), heard)
    if treated:
        yield _answers(teller, _("Behandlet i arbeidsmiljøutvalget"), treated)
    yield from _disagreements(teller)


def _counts(teller: Teller, heard: list[Reply], treated: int) -> Iterator[tuple[str, str]]:
    facts = teller.sources.of_steps()
    asked = [(s, f) for s, f in facts if isinstance(f.body, Asked) and f.body.what == "consult"]
    yield _("Spørsmål til rådspurte"), str(len(asked))
    outcomes = Counter(r.outcome for r in heard)
    for outcome in HEARD:
        if outcomes[outcome]:
            yield _("Svar: {outcome}").format(outcome=_(OUTCOME_NAMES[outcome])), str(outcomes[outcome])
    yield _("Saker behandlet i AMU"), str(treated)
    told = [s for s, f in facts if isinstance(f.body, Informed) and Role.EMPLOYEES in f.body.roles]
    times = ngettext("{count} gang", "{count} ganger", len(told)).format(count=len(told))
    yield _("De ansatte fikk beskjed om utfallet"), times + refs(told)


def _answers(teller: Teller, caption: str, found: list[tuple[StepEvidence, Reply]]) -> Grid:
    return Grid(
        caption=caption,
        head=(_("Dag"), _("Steg"), _("Hvem"), _("Svar"), _("Fakta")),
        widths=(13, 30, 24, 25, 8),
        rows=tuple(
            (
                day_of(reply.at),
                f"{teller.step(step)}\n{teller.place(step)}",
                _who(teller, reply),
                _outcome(teller, reply),
                numbers([reply.seq]),
            )
            for step, reply in sorted(found, key=lambda pair: pair[1].seq)
        ),
    )


def _who(teller: Teller, reply: Reply) -> str:
    if reply.outcome is Outcome.NO_RESPONSE:
        text = _("{role}; ført av {who}")
        return text.format(role=role_bearer(reply.role), who=teller.person(reply.person))
    return teller.who(reply.person, reply.role, reply.on_behalf_of)


def _outcome(teller: Teller, reply: Reply) -> str:
    text = _("{outcome}, versjon {version}")
    said = text.format(outcome=_(OUTCOME_NAMES[reply.outcome]), version=reply.version)
    if reply.majority:
        said += "\n" + votes(teller, reply)
    return said if reply.counts else said + "\n" + _("[teller ikke: signaturen holdt ikke]")


def _disagreements(teller: Teller) -> Iterator[Block]:
    found = [(step, d) for step in teller.sources.steps for d in step.dissent]
    if not found:
        yield Paragraph(text=_("Ingen uenighet er ført."), tone="quiet")
        return
    yield Grid(
        caption=_("Uenighet, og hva arbeidsgiver svarte"),
        head=(_("Steg"), _("Hva som skjedde"), _("Meldt videre"), _("Fakta")),
        widths=(28, 44, 16, 12),
        rows=tuple(
            (
                f"{teller.step(step)}\n{teller.place(step)}",
                dissented(teller, d),
                _("ja") if d.raised is not None else _("nei"),
                numbers(seq for seq in (d.demanded, d.raised, d.overdue, d.answered) if seq is not None),
            )
            for step, d in found
        ),
    )


def responsible(teller: Teller) -> Iterator[Block]:
    """Who held which role when in the year, by the organisation in force, and every change that is recorded."""
    sources = teller.sources
    first, after = date(sources.options.year, 1, 1), date(sources.options.year + 1, 1, 1)
    unit = sources.options.unit
    areas = {area.id: area.name for area in sources.organisation.areas}
    mine = next((u.area for u in sources.organisation.units if u.id == unit), None)
    held = [
        a
        for a in sources.organisation.assignments
        if a.since < after and (a.until is None or a.until > first)
        if unit is None or (a.unit in (None, unit) and a.area in (None, mine))
    ]
    order = list(Role)
    if held:
        yield Grid(
            caption=_("Roller i {year}").format(year=sources.options.year),
            head=(_("Rolle"), _("Person"), _("For"), _("Fra"), _("Til")),
            widths=(27, 27, 22, 12, 12),
            rows=tuple(
                (
                    role_name(a.role),
                    teller.person(a.person),
                    areas.get(a.area, a.area) if a.area is not None else teller.unit(a.unit),
                    day(a.since),
                    day(a.until) if a.until is not None else "–",
                )
                for a in sorted(
                    held, key=lambda a: (order.index(a.role), a.unit or "", a.area or "", a.since)
                )
            ),
        )
    changes = [
        (seq, fact)
        for seq, fact in sources.facts
        if fact.kind in RESPONSIBLE
        if (sources.tells(fact) if fact.cycle else oslo_day(fact.concerns).year == sources.options.year)
    ]
    if changes:
        yield Grid(
            caption=_("Endringer i ansvar"),
            head=(_("Dag"), _("Hvor"), _("Hva"), _("Fakta")),
            widths=(14, 22, 56, 8),
            rows=tuple(
                (day_of(f.concerns), where(teller, f.cycle, f.step), teller.fact(f), str(seq))
                for seq, f in changes
            ),
        )


def where(teller: Teller, cycle: str | None, step: str | None) -> str:
    """The unit and the step that a fact is about."""
    place = teller.unit(CycleRef.parse(cycle).unit) if cycle is not None else teller.unit(None)
    return f"{place}, {step}" if step is not None else place
