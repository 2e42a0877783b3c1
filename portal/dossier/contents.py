"""The whole inspection file, chapter by chapter, in the language spoken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from activities.language import _, current
from portal.dossier import checking, colophon, departures, participation, requirements
from portal.dossier.colophon import Attached
from portal.dossier.paper import NONE, Block, Grid, Pairs, Paper, Paragraph, Picture, Section, legible
from portal.dossier.telling import Teller, day, moment
from portal.dossier.themes import by_theme
from portal.pictures.wheel import from_plan
from workflows.rules.evidence import RequirementEvidence


def compose(teller: Teller, attached: Attached) -> Paper:
    """The paper: the same for the same sources, whatever the time and the machine."""
    sources = teller.sources
    name = legible(sources.organisation.name).replace("\n", " ")
    place = name if sources.options.unit is None else f"{name}, {teller.unit(sources.options.unit)}"
    fingerprint = sources.checkpoint.fingerprint
    return Paper(
        language=current(),
        title=_("Tilsynsmappe"),
        subtitle=f"{place} {sources.options.year}",
        running=f"{place} · {sources.options.year} · {fingerprint}",
        mark=_("PRØVEKJØRING") if sources.rehearsal else "",
        contents=_("Innhold"),
        page=_("Side {page} av {pages}"),
        cover=tuple(_cover(teller)),
        sections=tuple(_sections(teller, attached)),
    )


def _cover(teller: Teller) -> Iterator[Block]:
    sources = teller.sources
    year = sources.options.year
    if sources.rehearsal:
        yield Paragraph(
            text=_(
                "Dette er en prøvekjøring med virtuell klokke. Ingenting av det som står her, har skjedd."
            ),
            tone="lacking",
        )
    person = sources.options.person
    yield Pairs(
        rows=(
            (_("Virksomhet"), legible(sources.organisation.name)),
            (_("Organisasjonsnummer"), legible(sources.employer.org_number)),
            (_("Enhet"), teller.unit(sources.options.unit)),
            (_("Periode"), f"{day_span(teller)}"),
            (_("År"), str(year)),
            (_("Vist slik det var"), moment(sources.checkpoint.time)),
            (_("Laget av"), teller.person(person) if person is not None else _("ikke oppgitt")),
            (_("Avtrykk"), sources.checkpoint.fingerprint),
        )
    )
    yield Paragraph(
        text=_(
            "Mappen viser hva regelverket krever, hva historikken viser, og hva som mangler. Den feller ingen dom: "
            "det gjør den som leser. Tallene i kolonnen «Fakta» er numrene i facts.jsonl, der alt står slik det ble "
            "ført."
        )
    )
    yield Paragraph(
        text=_(
            "Avtrykket er hele historikken i én kort linje. Be verneombudet eller AMU lese opp det de har fått, og "
            "sammenlign. Hvordan alt kan kontrolleres uten produktet, står i «Slik kan alt kontrolleres»."
        ),
        tone="quiet",
    )


def day_span(teller: Teller) -> str:
    """From the first planned opening to the day the year closes."""
    planned = teller.sources.plan
    first = min((s.opens for s in planned.steps), default=planned.closes)
    return f"{day(first)} – {day(planned.year_closes)}"


def _sections(teller: Teller, attached: Attached) -> Iterator[Section]:
    yield _chapter("summary", _("Kort fortalt"), _summary(teller), new_page=True)
    yield _chapter("wheel", _("Året"), _wheel(teller))
    yield from requirements.sections(teller)
    yield _chapter(
        "participation", _("Slik tok de ansatte del"), participation.participation(teller), new_page=True
    )
    yield _chapter("deviations", _("Avvik og endrede frister"), departures.deviations(teller))
    yield _chapter("refused", _("Nektede forsøk"), departures.attempts(teller))
    yield _chapter("responsible", _("Hvem som hadde ansvaret, og når"), participation.responsible(teller))
    yield _chapter("documents", _("Dokumentene"), colophon.documents(teller))
    quoted = tuple(departures.written(teller))
    if quoted:
        yield _chapter("written", _("Det folk skrev"), quoted)
    yield _chapter("left-out", _("Det som er utelatt"), colophon.left_out(teller, attached), new_page=True)
    yield _chapter("checking", _("Slik kan alt kontrolleres"), checking.checking(teller))
    yield _chapter("grounds", _("Det mappen bygger på"), colophon.grounds(teller, attached))
    yield _chapter("words", _("Ord"), [_words()])


def _chapter(anchor: str, title: str, blocks: Iterable[Block], *, new_page: bool = False) -> Section:
    return Section(anchor=anchor, title=title, level=1, blocks=tuple(blocks), new_page=new_page)


def _summary(teller: Teller) -> Iterator[Block]:
    sources = teller.sources
    found = by_theme(sources.shown.requirements, sources.wanted)
    yield Paragraph(
        text=_(
            "Krav etter tema, og hvor mange av dem som har alle stegene sine ferdige, er på vei, mangler noe, eller "
            "ikke bæres av noe steg i årshjulet. At steg er ferdige, sier ikke at arbeidet var godt nok."
        )
    )
    yield Grid(
        caption=_("Temaene"),
        head=(_("Tema"), _("Krav"), *(_(text) for text in _COLUMNS)),
        widths=(44, 10, 12, 10, 12, 12),
        rows=tuple((theme.name.in_(current()), str(len(those)), *_counted(those)) for theme, those in found),
        compact=True,
    )
    lacking = requirements.lacking(teller)
    if lacking:
        yield Grid(
            caption=_("Det som mangler eller kom for sent"),
            head=(_("Steg"), _("Hvor"), _("Hva"), _("Fakta")),
            widths=(32, 18, 38, 12),
            rows=lacking,
        )
    else:
        yield Paragraph(text=_("Historikken viser ingen steg som mangler noe eller kom for sent."))


_COLUMNS = tuple(requirements.RECORDS.values())


def _counted(those: list[RequirementEvidence]) -> tuple[str, ...]:
    counts = Counter(r.record for r in those)
    return tuple(str(counts[record]) if counts[record] else NONE for record in requirements.RECORDS)


def _wheel(teller: Teller) -> Iterator[Block]:
    sources = teller.sources
    unit = sources.options.unit if sources.options.unit in sources.plan.units else None
    svg = from_plan(
        sources.plan, sources.programme, current(), unit=unit, theme="print",
        unit_name=legible(sources.unit_name(unit)) if unit is not None else None,
    )  # fmt: skip
    steps = len({(s.cycle.unit is None, s.key) for s in sources.plan.steps})
    alt = _(
        "Årshjulet {year}: en sirkel med {count} steg fra åpning til frist. De samme stegene står i tabellene under "
        "hvert krav."
    )
    yield Picture(svg=svg, alt=alt.format(year=sources.options.year, count=steps))


def _words() -> Pairs:
    return Pairs(
        rows=(
            (_("Faktum"), _("noe som er ført i historikken; det kan ikke endres, bare følges av et nytt")),
            (_("Steg"), _("en plikt med dato i årshjulet")),
            (_("Versjon"), _("et dokument som er lagt fram; svar gjelder den versjonen de ble gitt til")),
            (_("Rådspurt"), _("spurt om sin mening, uten å kunne stanse saken (aml. § 6-2)")),
            (_("Avtrykk"), _("de første tegnene i treets rot, med hvor mange fakta det dekker")),
            (_("Kontrollpunkt"), _("installasjonens signatur på hele historikken fram til da")),
            ("AMU", _("arbeidsmiljøutvalget")),
        )
    )
