"""What the law asks, what the record shows and what is missing, requirement by requirement under its theme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from activities.language import N_, Language, _, current
from activities.words import OUTCOME_NAMES, capital
from portal.dossier.paper import (
    NONE,
    Block,
    Citations,
    Grid,
    Listing,
    Pairs,
    Paragraph,
    Section,
    joined,
    legible,
)
from portal.dossier.telling import STATES, Teller, day, day_of, numbers, refs, role_bearer
from portal.dossier.themes import by_theme
from workflows.rules.evidence import Dissent, Filing, Record, Reply, RequirementEvidence, StepEvidence
from workflows.rules.law import Bilingual, Provision, Requirement
from workflows.rules.terms import Outcome

RECORDS: Final[Mapping[Record, str]] = {
    "shown": N_("stegene er ferdige"),
    "under_way": N_("på vei"),
    "missing": N_("mangler"),
    "elsewhere": N_("uten steg"),
}
"""What the record shows of a requirement, as `Coverage.record` has it."""


def sections(teller: Teller) -> Iterator[Section]:
    """The chapter of the requirements: a section for each theme, and in it one for each of its requirements."""
    sources = teller.sources
    yield Section(anchor="requirements", title=_("Krav for krav"), level=1, new_page=True)
    for number, (theme, found) in enumerate(by_theme(sources.shown.requirements, sources.wanted), 1):
        yield Section(anchor=f"theme-{number}", title=theme.name.in_(current()), level=2)
        for requirement in found:
            yield Section(
                anchor=requirement.requirement.id.lower(),
                title=f"{requirement.requirement.id} {_short(requirement.requirement)}",
                level=3,
                blocks=tuple(_requirement(teller, requirement)),
            )


def lacking(teller: Teller) -> tuple[tuple[str, ...], ...]:
    """Everything that is lacking in the year's steps, as rows: step, where, what, places in the ledger."""
    return tuple(
        (teller.step(step), teller.place(step), capital(_lacks(teller, step)), numbers(_lack_seqs(step)))
        for step in teller.sources.steps
        if step.lacks
    )


def _lacks(teller: Teller, step: StepEvidence) -> str:
    """Everything that the step lacks, in one line."""
    return "; ".join(teller.lack(step, lack) for lack in step.lacks)


def _lack_seqs(step: StepEvidence) -> set[int]:
    return {seq for lack in step.lacks for seq in lack.seqs}


def _short(requirement: Requirement) -> str:
    return legible(requirement.en if current() == "en" else requirement.nb)


def _requirement(teller: Teller, found: RequirementEvidence) -> Iterator[Block]:
    requirement = found.requirement
    asked = [
        (_("Hvem er med"), _in(requirement.participants)),
        (_("Når"), _in(requirement.cadence)),
        (_("Skal dokumenteres"), _in(requirement.documented)),
    ]
    if requirement.condition is not None:
        asked.append((_("Gjelder"), _in(requirement.condition)))
    asked.append((_("Historikken"), _(RECORDS[found.record])))
    yield Pairs(rows=tuple((name, capital(text)) for name, text in asked))
    yield Paragraph(text=_("Hva loven sier, i lovregisterets ord:"), tone="quiet")
    said: Language = "en" if current() == "en" else "nb"
    yield Citations(
        rows=tuple(_cited(teller, requirement)),
        names="nb" if current() != "nb" else None,
        texts=said if current() != said else None,
    )
    if found.steps:
        yield Grid(
            caption=_("Det historikken viser"),
            head=(_("Steg"), _("Frist"), _("Stand"), _("Lagt fram og besluttet"), _("Fakta")),
            widths=(24, 13, 12, 41, 10),
            rows=tuple(row(teller, step) for step in found.steps),
        )
    else:
        yield Paragraph(text=_("Ingen steg i dette årets program bærer kravet."), tone="quiet")
        later = [
            x.by.in_(current()) for x in teller.sources.programme.later if x.requirement == requirement.id
        ]
        if later:
            yield Paragraph(text=_("Føres av: {what}").format(what=legible(later[0])), tone="quiet")
    missing = tuple(
        f"{teller.step(step)}, {teller.place(step)}: {_lacks(teller, step)}{refs(_lack_seqs(step))}"
        for step in found.steps
        if step.lacks
    )
    if missing:
        yield Paragraph(text=_("Det som mangler eller kom for sent:"), tone="lacking")
        yield Listing(items=missing, tone="lacking")


def _in(text: Bilingual) -> str:
    return legible(text.en if current() == "en" else text.nb)


def _cited(teller: Teller, requirement: Requirement) -> Iterator[tuple[str, str]]:
    """Each provision as it stood in the middle of the year: its name, and the register's own words."""
    middle = date(teller.sources.options.year, 6, 1)
    for id in requirement.provisions:
        versions = [p for p in teller.sources.law.provisions if p.id == id]
        provision: Provision = next((p for p in versions if p.holds_on(middle)), versions[-1])
        text = provision.en if current() == "en" else provision.nb
        if provision.confidence == "unverified":
            text += " " + _("[ordlyd eller nummer er ikke kontrollert mot kilden]")
        yield capital(legible(provision.section)), legible(text)


def row(teller: Teller, step: StepEvidence) -> tuple[str, ...]:
    """One step: what and where, its dates, how it stands, what was filed and decided, and where it says so."""
    dates = [day(step.due)]
    if step.first_due != step.due:
        dates.append(_("først {day}").format(day=day(step.first_due)))
    state = [_(STATES[step.state])]
    if step.settled_at is not None:
        state.append(day_of(step.settled_at))
    return (
        joined([teller.step(step), teller.place(step)]),
        joined(dates),
        joined(state),
        joined(done(teller, step)) or NONE,
        numbers(_told_by(step)),
    )


def done(teller: Teller, step: StepEvidence) -> Iterator[str]:
    """What was filed, answered, disagreed with and answered again, in the order of the ledger."""
    lines: list[tuple[int, str]] = []
    lines += [(f.seq, filed(teller, f)) for f in step.filings]
    lines += [(r.seq, replied(teller, r)) for r in step.replies]
    lines += [(d.demanded, dissented(teller, d)) for d in step.dissent]
    yield from (text for _seq, text in sorted(lines))


def filed(teller: Teller, filing: Filing) -> str:
    text = _("{day}: {who} la fram versjon {version}, {document}")
    return text.format(
        day=day_of(filing.at), who=teller.who(filing.person, behalf=filing.on_behalf_of),
        version=filing.version, document=document_name(teller, filing.document),
    )  # fmt: skip


def document_name(teller: Teller, hash: str) -> str:
    """The file's name and the first of its hash; the whole hash is in the list of documents."""
    row = teller.sources.documents.get(hash)
    name = legible(row.name).replace("\n", " ") if row is not None and row.name else _("dokument")
    return f"«{name}» ({hash[:12]})"


def replied(teller: Teller, reply: Reply) -> str:
    if reply.outcome is Outcome.NO_RESPONSE:
        text = _("{day}: {who} førte at {role} ikke svarte på versjon {version} etter en reell mulighet")
        return text.format(
            day=day_of(reply.at), who=teller.person(reply.person), role=role_bearer(reply.role),
            version=reply.version,
        )  # fmt: skip
    text = _("{day}: {who}: {outcome}, versjon {version}")
    said = text.format(
        day=day_of(reply.at), who=teller.who(reply.person, reply.role, reply.on_behalf_of),
        outcome=_(OUTCOME_NAMES[reply.outcome]), version=reply.version,
    )  # fmt: skip
    if reply.majority:
        said += "; " + votes(teller, reply)
    return said if reply.counts else said + " " + _("[teller ikke: signaturen holdt ikke]")


def votes(teller: Teller, reply: Reply) -> str:
    """Both sides of a vote by name (OLM § 3-16)."""
    majority = _("flertall: {who}").format(who=teller.people(reply.majority))
    if not reply.minority:
        return majority
    minority = _("mindretall: {who}").format(who=teller.people(reply.minority))
    if reply.position is not None:
        minority += f", {document_name(teller, reply.position)}"
    return f"{majority}; {minority}"


def dissented(teller: Teller, dissent: Dissent) -> str:
    who = teller.people(dissent.disagree)
    if dissent.answered_at is None or dissent.answered_by is None:
        text = _(
            "{who} var uenig i versjon {version}; arbeidsgiver skulle svare innen {due} og har ikke svart"
        )
        return text.format(who=who, version=dissent.version, due=day(dissent.due))
    text = _(
        "{who} var uenig i versjon {version}; {answerer} svarte for arbeidsgiver {day}, fristen var {due}"
    )
    return text.format(
        who=who, version=dissent.version, answerer=teller.person(dissent.answered_by),
        day=day_of(dissent.answered_at), due=day(dissent.due),
    )  # fmt: skip


def _told_by(step: StepEvidence) -> set[int]:
    found = {f.seq for f in step.filings} | {r.seq for r in step.replies} | _lack_seqs(step)
    found |= {seq for d in step.dissent for seq in (d.demanded, d.raised, d.overdue, d.answered) if seq}
    found |= {step.closed_seq} if step.closed_seq is not None else set()
    return found | {seq for seq, _fact in step.moved}
