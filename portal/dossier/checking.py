"""How anybody checks an inspection file without the product: the chapter on it, and the first file to read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from activities.language import N_, _
from activities.store.checkpoints import AnchorKind
from portal.dossier.paper import Block, Grid, Listing, Pairs, Paragraph, legible
from portal.dossier.telling import Teller, moment

CHECK = "python3 -I -S verify.py facts.jsonl"
"""The command that checks the ledger."""

CHECK_FILES = (
    "python3 -c \"import hashlib as h,json;[print(h.sha256(open(n,'rb').read()).hexdigest()==f['sha256'],n)"
    " for n,f in json.load(open('manifest.json',encoding='utf-8'))['files'].items()]\""
)
"""A command that holds each file against the manifest."""

ASK = "forsvarlig --format json history --kind dossier_made"
"""The command by which the employer shows what inspection files were made, each with its SHA-256."""

ANCHORS: Final[Mapping[AnchorKind, str]] = {
    "pin": N_("ankerfil"),
    "mail": N_("avtrykk i e-post"),
    "timestamp": N_("tidsstempel"),
    "witness": N_("vitnes signatur"),
}
"""What somebody outside was given, or gave."""

_FOUND: Final = N_(
    "Det viser at historikken henger sammen og er signert. At den ikke er byttet ut med en annen, ser du bare av noe "
    "du har fått utenom: et avtrykk eller en ankerfil fra verneombudet, AMU eller andre som har fått det. Også et "
    "eldre avtrykk kan brukes; da kontrolleres historikken fram til det."
)
_STRENGTH: Final = N_(
    "Et avtrykk røper det som er endret senere. En ankerfil røper også den som på forhånd har laget to historikker "
    "med samme avtrykk, for den har hele roten."
)
_UNSIGNED: Final = N_(
    "Bare fakta i facts.jsonl og kontrollpunktet er signert. PDF-en, nettsiden, regnearket, manifestet og denne "
    "veiledningen er det ikke: hold det du vil bygge på, mot numrene i facts.jsonl. Manifestet finner bare uhell, for "
    "den som bytter ut en fil, kan også bytte ut manifestet."
)
_WHOLE: Final = N_(
    "At mappen ble laget, er selv et faktum (dossier_made) med SHA-256 av hele ZIP-filen. Be arbeidsgiveren vise det, "
    "og sammenlign med ZIP-filen slik du fikk den:"
)
_ANSWER: Final = N_("Svaret på kontrollen er på engelsk. Slik leses det:")
_HEADINGS: Final = (
    (
        "PROVED",
        N_(
            "dette er bevist: at ingen fakta er endret, fjernet eller satt inn etter at det ble signert, hvor mye som "
            "er signert med folks egne nøkler, og hvor mange tekster som står slik de ble skrevet"
        ),
    ),
    (
        "NOT PROVED",
        N_(
            "dette kan ingen kontroll av mappen alene vise: at slutten ikke er kuttet av, eller alt skrevet på nytt "
            "av en som hadde loggens nøkkel (det viser avtrykk og ankerfiler), at alt som skjedde, ble ført, at "
            "klokken gikk rett, og at bare eieren brukte en nøkkel"
        ),
    ),
    (
        "FAULTS",
        N_(
            "feil, bare når det er noen: hvilke fakta som er endret, mangler eller ikke er signert av den de sier, og "
            "etter -> hva du kan gjøre"
        ),
    ),
)
_ENDS: Final = N_(
    "Kontrollen slutter med kode 0 uten feil, 1 med feil, og 2 når den ikke kunne gjennomføres."
)


def checking(teller: Teller) -> Iterator[Block]:
    """The chapter: how anybody can check the file without the product, against what, and how the answer is read."""
    yield Paragraph(
        text=_(
            "Alt som er ført, står i facts.jsonl, slik det ble ført og i den rekkefølgen. Hvert faktum er et blad i "
            "et Merkle-tre (RFC 6962); kontrollpunktet er treets rot, signert av installasjonen. Er et eneste tegn "
            "endret, stemmer ikke roten. Kontrollen trenger bare Python 3.11 eller nyere, og ikke nett:"
        )
    )
    yield Pairs(rows=((_("Skriv"), CHECK),), code=True)
    yield Paragraph(text=_(_FOUND))
    fingerprint = teller.sources.checkpoint.fingerprint
    yield Pairs(
        rows=((_("Mot et avtrykk"), f"{CHECK} {fingerprint}"), (_("Mot en ankerfil"), f"{CHECK} anchor.txt")),
        code=True,
    )
    yield Paragraph(text=_(_STRENGTH))
    yield Paragraph(text=_(_ANSWER))
    yield Listing(items=tuple(f"{heading}: {_(meaning)}." for heading, meaning in _HEADINGS))
    yield Paragraph(text=_(_ENDS))
    yield Paragraph(text=_(_UNSIGNED))
    yield Paragraph(text=_(_WHOLE))
    yield Pairs(rows=((_("Arbeidsgiveren"), ASK),), code=True)
    given = teller.sources.anchors
    if given:
        yield Grid(
            caption=_("Disse har fått noe å kontrollere mot"),
            head=(_("Gitt"), _("Hvem"), _("Hva"), _("Fakta")),
            widths=(26, 40, 20, 14),
            rows=tuple(
                (moment(a.made), teller.person(a.holder), _(ANCHORS[a.kind]), str(a.size)) for a in given
            ),
        )
    else:
        yield Paragraph(
            text=_("Da kontrollpunktet ble laget, hadde ingen fått noe å kontrollere mot."), tone="lacking"
        )


def readme(teller: Teller) -> str:
    """The first file to read: what lies in the file, what is signed, and how all of it is checked."""
    sources = teller.sources
    name = legible(sources.organisation.name).replace("\n", " ")
    said = [
        _(
            "Les dossier.pdf eller dossier.html (det samme innholdet). measures.xlsx er for å sortere og telle."
        ),
        _("facts.jsonl er alt som er ført, slik det ble ført. manifest.json har SHA-256 av hver fil."),
        _(_UNSIGNED),
        _("Slik kontrollerer du mappen. Du trenger Python 3.11 eller nyere; nett og produktet trengs ikke:"),
        f"    {CHECK}",
        _(_FOUND),
        _("Mappens eget avtrykk står i dossier.pdf. Skriv det du har fått, til slutt:"),
        f"    {CHECK} {sources.checkpoint.fingerprint}",
        f"    {CHECK} anchor.txt",
        _(_STRENGTH),
        _(_ANSWER),
        *(f"{heading}: {_(meaning)}." for heading, meaning in _HEADINGS),
        _(_ENDS),
        _(_WHOLE),
        f"    {ASK}",
        _("Filene i mappen mot manifestet; hver linje skal begynne med True:"),
        "    " + CHECK_FILES,
    ]
    if sources.rehearsal:
        said.insert(0, _("PRØVEKJØRING: ingenting av dette har skjedd."))
    title = _("Tilsynsmappe: {name}, {year}").format(name=name, year=sources.options.year)
    folded = (each if each.startswith(" ") else textwrap.fill(each, 100) for each in said)
    return "\n\n".join([title, *folded]) + "\n"
