"""What did not go as planned: escalations and deviations, changed due dates, refused attempts, and what was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from activities.language import _, ngettext
from activities.words import capital
from portal.dossier.paper import Block, Grid, Paragraph, Quote, legible
from portal.dossier.participation import where
from portal.dossier.sources import Written
from portal.dossier.telling import Teller, day, day_of, moment, numbers
from workflows.rules.calendar import oslo_day
from workflows.rules.events import AttemptRefused, DueDateChanged, Escalated, Fact
from workflows.rules.evidence import StepEvidence, refused

MOST = 200
"""Rows of one table here; what is more is counted, and stands in facts.jsonl."""


def deviations(teller: Teller) -> Iterator[Block]:
    """Every rung after a due date, and every due date that was changed with its reason."""
    rungs = _rungs(teller)
    if rungs:
        yield Grid(
            caption=_("Brutte frister, og hvem som fikk vite det"),
            head=(_("Dag"), _("Steg"), _("Hva"), _("Fakta")),
            widths=(14, 30, 48, 8),
            rows=tuple(
                (day_of(f.concerns), f"{teller.step(step)}\n{teller.place(step)}", teller.fact(f), str(seq))
                for step, seq, f in rungs[:MOST]
            ),
        )
        yield from _more(len(rungs))
    else:
        yield Paragraph(text=_("Ingen brutte frister er ført."), tone="quiet")
    moved = [(step, seq, f, f.body) for step in teller.sources.steps for seq, f in step.moved]
    if not moved:
        yield Paragraph(text=_("Ingen frist er endret."), tone="quiet")
        return
    yield Grid(
        caption=_("Endrede frister"),
        head=(_("Ført"), _("Steg"), _("Før"), _("Etter"), _("Hvem og hvorfor"), _("Fakta")),
        widths=(13, 25, 13, 13, 28, 8),
        rows=tuple(
            (
                day_of(f.recorded), f"{teller.step(step)}\n{teller.place(step)}", day(body.before),
                day(body.after), _why(teller, f.actor, body, seq), str(seq),
            )
            for step, seq, f, body in moved
            if isinstance(body, DueDateChanged)
        ),
    )  # fmt: skip


def _rungs(teller: Teller) -> list[tuple[StepEvidence, int, Fact]]:
    return [
        (step, seq, f)
        for step in teller.sources.steps
        for seq, f in step.escalated
        if isinstance(f.body, Escalated)
    ]


def _why(teller: Teller, actor: str, body: DueDateChanged, seq: int) -> str:
    why = {
        "organisation_changed": _("organisasjonen er endret"),
        "decided": _("besluttet av {who}").format(who=teller.person(actor)),
    }[body.reason]
    written = teller.sources.texts.get(seq)
    return why if written is None else f"{why}\n{_kept(teller, written)}"


def _kept(teller: Teller, written: Written) -> str:
    if written.text is not None:
        return f"«{teller.quoted(written)}»"
    return _("[begrunnelsen er slettet]") if written.state == "erased" else _("[begrunnelsen er utelatt her]")


def attempts(teller: Teller) -> Iterator[Block]:
    """Refused attempts: how many for each reason, and each of them."""
    found = _attempts(teller)
    if not found:
        yield Paragraph(text=_("Ingen forsøk er nektet."), tone="quiet")
        return
    counts: Counter[str] = Counter()
    for _seq, _fact, body in found:
        counts[teller.voice.reason(body.reason)] += body.count
    yield Grid(
        caption=_("Nektede forsøk etter grunn"),
        head=(_("Grunn"), _("Antall")),
        widths=(85, 15),
        rows=tuple((capital(legible(why)), str(n)) for why, n in sorted(counts.items(), key=_largest)),
    )
    yield Grid(
        caption=_("Hvert av dem"),
        head=(_("Dag"), _("Hvor"), _("Hva"), _("Fakta")),
        widths=(14, 22, 56, 8),
        rows=tuple(
            (day_of(f.recorded), where(teller, f.cycle, f.step), teller.fact(f), numbers([seq]))
            for seq, f, _body in found[:MOST]
        ),
    )
    yield from _more(len(found))


def _attempts(teller: Teller) -> list[tuple[int, Fact, AttemptRefused]]:
    sources = teller.sources
    year = sources.options.year
    return [
        (seq, f, f.body)
        for seq, f in refused(sources.facts)
        if isinstance(f.body, AttemptRefused)
        if (sources.tells(f) if f.cycle else oslo_day(f.concerns).year == year)
    ]


def not_shown(teller: Teller) -> tuple[int, int]:
    """How many broken due dates and refused attempts are counted here and not told one by one."""
    return max(len(_rungs(teller)) - MOST, 0), max(len(_attempts(teller)) - MOST, 0)


def _largest(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _more(count: int) -> Iterator[Block]:
    if count > MOST:
        text = ngettext(
            "{count} til står i facts.jsonl.", "{count} til står i facts.jsonl.", count - MOST
        ).format(count=count - MOST)
        yield Paragraph(text=text, tone="quiet")


def written(teller: Teller) -> Iterator[Block]:
    """What people wrote with their answers, where it may be shown; each with its place in the ledger."""
    for seq, each in sorted(teller.sources.texts.items()):
        if each.text is None:
            continue
        text = _("{day}, {where}, faktum {seq}: {what}")
        said = text.format(
            day=moment(each.fact.recorded), where=where(teller, each.fact.cycle, each.fact.step), seq=seq,
            what=teller.fact(each.fact),
        )  # fmt: skip
        yield Quote(said=said, text=teller.quoted(each))
