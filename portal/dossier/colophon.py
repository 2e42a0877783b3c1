"""What the inspection file says of itself: what was left out and why, what was filed, what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from activities.language import _, format_number, ngettext
from activities.words import BASES, capital
from portal.dossier import departures
from portal.dossier.paper import MOST, Block, Grid, Listing, Pairs, Paragraph, legible
from portal.dossier.telling import Teller, day_of, moment, refs
from workflows.rules.events import Fact
from workflows.rules.record_facts import DossierMade


@dataclass(frozen=True)
class Omission:
    """Something that is not in the file: a word for programs, how many, and why in the language spoken."""

    code: str
    count: int
    text: str


@dataclass(frozen=True)
class Attached:
    """What lies beside the papers: file names in the ZIP, and the names of what should have been there."""

    histories: Sequence[str]
    documents: Sequence[str]
    missing: Sequence[str]


def omissions(teller: Teller, attached: Attached) -> list[Omission]:
    """Everything that was left out of this file, and why."""
    return [
        *_of_texts(teller),
        *_of_length(teller),
        *_of_people(teller),
        *_of_documents(teller, attached),
        *_of_place(teller),
    ]


def _of_texts(teller: Teller) -> Iterator[Omission]:
    sources = teller.sources
    withheld = [t for t in sources.texts.values() if t.state == "withheld"]
    if withheld:
        why = _("den som laget mappen, har ikke rett til å lese dem") if sources.options.texts else _(
            "mappen er laget uten det folk har skrevet"
        )  # fmt: skip
        text = ngettext(
            "{count} tekst er utelatt: {why}.", "{count} tekster er utelatt: {why}.", len(withheld)
        )
        yield Omission("texts_withheld", len(withheld), text.format(count=len(withheld), why=why))
    outside = sum(t.state == "outside" for t in sources.texts.values())
    if outside:
        text = ngettext(
            "{count} tekst fra et annet år eller et annet steg er utelatt.",
            "{count} tekster fra andre år eller steg er utelatt.",
            outside,
        )
        yield Omission("texts_outside", outside, text.format(count=outside))
    named = 0
    for erasure in (e for e in sources.erasures if e.what == "texts"):
        named += erasure.count
        text = ngettext(
            "{count} tekst ble slettet {day}, {why}", "{count} tekster ble slettet {day}, {why}",
            erasure.count,
        )  # fmt: skip
        said = text.format(count=erasure.count, day=day_of(erasure.at), why=_(BASES[erasure.basis]))
        yield Omission("texts_erased", erasure.count, f"{said}{refs([erasure.seq])}.")
    gone = sum(t.state == "erased" for t in sources.texts.values()) - named
    if gone > 0:
        text = ngettext(
            "{count} tekst finnes ikke lenger, og kontrollpunktet dekker ingen føring om hvorfor.",
            "{count} tekster finnes ikke lenger, og kontrollpunktet dekker ingen føring om hvorfor.",
            gone,
        )
        yield Omission("texts_gone", gone, text.format(count=gone))


def _of_length(teller: Teller) -> Iterator[Omission]:
    """What is cut short, in the papers and the spreadsheet; the ledger beside them has all of it."""
    for seq, length in teller.shortened():
        text = _(
            "En tekst på {length} tegn er kortet ned til {most} her; hele teksten står i facts.jsonl, nr. {seq}."
        )
        said = text.format(length=format_number(length), most=format_number(MOST), seq=seq)
        yield Omission("text_shortened", 1, said)
    late, refused = departures.not_shown(teller)
    if late:
        text = ngettext(
            "{count} brutt frist er bare talt her; den står i facts.jsonl.",
            "{count} brutte frister er bare talt her; de står i facts.jsonl.",
            late,
        )
        yield Omission("deviations_counted", late, text.format(count=format_number(late)))
    if refused:
        text = ngettext(
            "{count} nektet forsøk er bare talt her; det står i facts.jsonl.",
            "{count} nektede forsøk er bare talt her; de står i facts.jsonl.",
            refused,
        )
        yield Omission("attempts_counted", refused, text.format(count=format_number(refused)))


def _of_people(teller: Teller) -> Iterator[Omission]:
    sources = teller.sources
    if not sources.options.names:
        yield Omission("names", 1, _("Navnene på folk er utelatt; id-ene står."))
    for erasure in (e for e in sources.erasures if e.what == "person"):
        text = _("{who} ble slettet {day}, {why}")
        said = text.format(
            who=capital(_("slettet person ({id})").format(id=erasure.id)), day=day_of(erasure.at),
            why=_(BASES[erasure.basis]),
        )  # fmt: skip
        yield Omission("person_erased", 1, f"{said}{refs([erasure.seq])}.")


def _of_documents(teller: Teller, attached: Attached) -> Iterator[Omission]:
    sources = teller.sources
    for erasure in (e for e in sources.erasures if e.what == "document"):
        text = _("Dokumentet {hash} ble slettet {day}, {why}")
        said = text.format(hash=erasure.id[:12], day=day_of(erasure.at), why=_(BASES[erasure.basis]))
        yield Omission("document_erased", 1, f"{said}{refs([erasure.seq])}.")
    count = len(sources.documents)
    if not sources.options.documents and count:
        text = ngettext(
            "Innholdet i {count} dokument er utelatt; navn og avtrykk står i listen.",
            "Innholdet i {count} dokumenter er utelatt; navn og avtrykk står i listen.",
            count,
        )
        yield Omission("documents", count, text.format(count=count))
    for name in attached.missing:
        yield Omission(
            "missing", 1, _("Filen {name} skulle vært med, men finnes ikke uendret.").format(name=name)
        )


def _of_place(teller: Teller) -> Iterator[Omission]:
    sources, options = teller.sources, teller.sources.options
    if options.unit is not None:
        units = [u for u in sources.plan.units if u != options.unit]
        if units:
            text = ngettext(
                "{count} annen enhet er ikke fortalt om her; det som er ført om den, står i facts.jsonl.",
                "{count} andre enheter er ikke fortalt om her; det som er ført om dem, står i facts.jsonl.",
                len(units),
            )
            yield Omission("units", len(units), text.format(count=len(units)))
    if sources.wanted:
        all_ = len(sources.shown.requirements)
        text = _("{count} av {all} krav er tatt med; resten er valgt bort av den som laget mappen.")
        yield Omission(
            "requirements", all_ - len(sources.wanted), text.format(count=len(sources.wanted), all=all_)
        )


def left_out(teller: Teller, attached: Attached) -> Iterator[Block]:
    """The redaction report."""
    found = omissions(teller, attached)
    if found:
        yield Listing(items=tuple(each.text for each in found))
    else:
        yield Paragraph(text=_("Ingenting er utelatt."))


def documents(teller: Teller) -> Iterator[Block]:
    """Every document that was filed, with its whole hash."""
    rows = []
    for step in teller.sources.steps:
        for filing in step.filings:
            row = teller.sources.documents.get(filing.document)
            name = legible(row.name or "–").replace("\n", " ") if row is not None else _("[ikke i arkivet]")
            rows.append(
                (
                    f"{teller.step(step)}\n{teller.place(step)}",
                    str(filing.version),
                    name,
                    _halved(filing.document),
                    str(filing.seq),
                )
            )
    if not rows:
        yield Paragraph(text=_("Ingen dokumenter er lagt fram."), tone="quiet")
        return
    yield Grid(
        caption=_("Dokumenter som er lagt fram"),
        head=(_("Steg"), _("Versjon"), _("Fil"), _("SHA-256"), _("Fakta")),
        widths=(24, 9, 30, 29, 8),
        rows=tuple(rows),
    )


def _halved(hash: str) -> str:
    return f"{hash[:32]}\n{hash[32:]}"


def grounds(teller: Teller, attached: Attached) -> Iterator[Block]:
    """What the file rests on, by hash, and earlier files of the same kind."""
    sources = teller.sources
    yield Pairs(
        rows=(
            (_("Kontrollpunkt"), moment(sources.checkpoint.time)),
            (_("Fakta i hovedboken"), str(sources.checkpoint.size)),
            (_("Lovregister"), legible(sources.law.version)),
            (_("Program"), f"{legible(sources.programme.id)} {sources.programme.version}"),
            (_("Laget med"), f"forsvarlig {version('forsvarlig')}"),
            (_("Vedlagte historikker"), str(len(attached.histories))),
            (_("Vedlagte dokumenter"), str(len(attached.documents))),
        )
    )
    yield Pairs(
        rows=(
            (_("Avtrykk"), sources.checkpoint.fingerprint),
            (_("Rot"), _halved(sources.checkpoint.root.hex())),
            (_("Lovregister, SHA-256"), _halved(sources.law.content_hash)),
            (_("Program, SHA-256"), _halved(sources.programme.content_hash)),
            (_("Organisasjon, SHA-256"), _halved(sources.organisation_hash)),
        ),
        code=True,
    )
    earlier = [(seq, f, f.body) for seq, f in sources.facts if isinstance(f.body, DossierMade)]
    if earlier:
        yield Grid(
            caption=_("Tidligere tilsynsmapper"),
            head=(_("Laget"), _("Av"), _("År"), _("SHA-256"), _("Fakta")),
            widths=(20, 26, 8, 38, 8),
            rows=tuple(_earlier(teller, seq, fact, body) for seq, fact, body in earlier),
        )


def _earlier(teller: Teller, seq: int, fact: Fact, body: DossierMade) -> tuple[str, ...]:
    return moment(fact.recorded), teller.person(fact.actor), str(body.year), _halved(body.sha256), str(seq)
