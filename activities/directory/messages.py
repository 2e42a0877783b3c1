"""Every text that an import says to people: bokmål, as gettext message ids.

Values are set in with `str.format`; they are masked and cut short where the fault is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from activities.directory.faults import Code, ImportFault
from activities.language import N_

TEXTS: Mapping[Code, str] = {
    # a file as a whole
    "bad_toml": N_('Linjen er ikke gyldig TOML. Skriv «nøkkel = "tekst"», med anførselstegn om tekst.'),
    "broken_quote": N_(
        "Et anførselstegn er åpnet og ikke lukket, eller står midt i en tekst. Rett raden, eller "
        "lagre filen på nytt fra regnearket."
    ),
    "empty_file": N_("Filen er tom. Legg inn en rad med overskrifter og en rad for hver oppføring."),
    "file_missing": N_("Filen finnes ikke. Sjekk navnet og mappen."),
    "no_rows": N_("Filen har overskrifter, men ingen rader. Legg inn radene, eller la være å sende filen."),
    "not_a_workbook": N_(
        "Filen kan ikke leses som en Excel-arbeidsbok (.xlsx). Er den skadet eller passordbeskyttet? "
        "Lagre den på nytt uten passord, eller som CSV."
    ),
    "nothing_found": N_(
        "Fant ingen filer å importere. Filene skal hete {known}, som .csv, .xlsx eller .toml."
    ),
    "too_large": N_(
        "Filen er for stor til å leses trygt (grensen er {limit} MB, 200 000 rader og 200 kolonner). "
        "Slett tomme rader og kolonner langt ute i arket, eller del filen."
    ),
    "two_files": N_("Filen inneholder det samme som {other}. Fjern den ene av dem."),
    "undecodable": N_("Tegnsettet i filen er ukjent. Lagre filen som «CSV UTF-8» og prøv igjen."),
    "unknown_extension": N_("Filtypen er ukjent. Lagre filen som en av disse: {known}."),
    "unknown_kind": N_("Kan ikke se hva filen inneholder. Gi den et av navnene {known}."),
    "unreadable": N_(
        "Filen kan ikke åpnes ({why}). Sjekk rettighetene, og at ikke et annet program holder den."
    ),
    "missing_column": N_("En påkrevd kolonne mangler. Legg til en kolonne med en av overskriftene: {known}."),
    "missing_file": N_("Filen mangler. Første import må ha virksomhet, enheter og personer."),
    "duplicate_column": N_("Kolonnen betyr det samme som «{other}». Fjern den ene av dem."),
    "other_employer": N_(
        "Filene gjelder {value}, men katalogen gjelder {known}. Velg riktig mappe, eller opprett en "
        "ny virksomhet."
    ),
    "one_employer": N_(
        "Det skal være akkurat én virksomhet, men filen har {found}. La bare den ene raden stå."
    ),
    # a column
    "national_id_column": N_(
        "Kolonnen inneholder fødselsnummer eller D-nummer. Slike nummer lagres ikke. Slett kolonnen i filen."
    ),
    # a row
    "ambiguous_unit": N_("Flere enheter heter «{value}» ({known}). Bruk id-en i stedet for navnet."),
    "bad_characters": N_("«{value}» inneholder usynlige tegn eller styretegn. Skriv cellen på nytt."),
    "bad_date": N_("«{value}» er ikke en dato. Skriv den som 2026-01-31 eller 31.01.2026."),
    "bad_email": N_("«{value}» er ikke en e-postadresse. Skriv én adresse, som kari@eksempel.example."),
    "bad_hours": N_("«{value}» er ikke et timetall per uke. Skriv et tall over 0 og høyst 60, som 37,5."),
    "bad_id": N_("«{value}» kan ikke brukes som id. Bruk bokstaver og tall."),
    "bad_org_number": N_(
        "«{value}» er ikke et gyldig organisasjonsnummer. Det har ni sifre, og det siste er et "
        "kontrollsiffer: se etter i Enhetsregisteret."
    ),
    "bad_percentage": N_("«{value}» er ikke en stillingsprosent. Skriv et tall over 0 og høyst 160, som 80."),
    "duplicate_email": N_(
        "E-postadressen «{value}» står også på linje {other}. Lenker i e-post er personlige: gi hver "
        "sin adresse."
    ),
    "duplicate_person": N_(
        "Ansattnummer {value} står også på linje {other}, for samme enhet og tid eller med annet "
        "navn eller annen e-post. Slett den ene raden, eller rett nummeret."
    ),
    "duplicate_role": N_(
        "Rollen «{value}» står også på linje {other} for samme person og tid. Slett den ene raden."
    ),
    "duplicate_unit": N_(
        "Enheten «{value}» står også på linje {other} for samme tid. Gi den en annen id, eller slett "
        "den ene raden."
    ),
    "external_in_unit": N_(
        "En ekstern person kan ikke stå i enheten «{value}». La enhet stå tom, eller skriv ansatt "
        "eller innleid."
    ),
    "missing_unit": N_(
        "Enhet mangler. Bare personer med en rolle (BHT, styret, personvernombud …) eller typen "
        "ekstern kan stå uten."
    ),
    "missing_value": N_("Cellen er tom. Fyll inn {heading}."),
    "national_id": N_(
        "Cellen inneholder et fødselsnummer eller D-nummer. Slike nummer lagres ikke. Fjern det; "
        "bruk ansattnummer."
    ),
    "own_substitute": N_("En person kan ikke være sin egen vikar. Skriv en annens ansattnummer."),
    "person_skipped": N_("Personen med ansattnummer {value} har en rad med feil. Rett den raden først."),
    "role_after_leaving": N_(
        "Rollen «{role}» varer lenger enn ansettelsen, som er over {left}. Sett til-dato på rollen, "
        "eller gi den til en annen."
    ),
    "role_needs_area": N_(
        "Rollen «{role}» gjelder et verneområde. Fyll inn verneområde, slik det står i enheter."
    ),
    "role_needs_unit": N_("Rollen «{role}» gjelder en enhet. Fyll inn enhet."),
    "role_takes_no_area": N_("Rollen «{role}» gjelder ikke et verneområde. La verneområde stå tom."),
    "role_takes_no_unit": N_("Rollen «{role}» gjelder hele virksomheten. La enhet stå tom."),
    "too_long": N_("Teksten er for lang. Kort den ned til høyst 200 tegn."),
    "too_many_cells": N_(
        "Raden har {found} celler, men det er {expected} overskrifter. Står det et skilletegn inne i "
        "en tekst? Sett anførselstegn om teksten."
    ),
    "unit_closed": N_("Enheten «{value}» er nedlagt fra {since}. Flytt personen, eller sett til-dato."),
    "unit_skipped": N_("Enheten «{value}» har en rad med feil. Rett den raden først."),
    "unknown_area": N_("Verneområdet «{value}» finnes ikke blant enhetene. Kjente verneområder: {known}."),
    "unknown_choice": N_("«{value}» er ukjent. Skriv en av disse: {known}."),
    "unknown_person": N_(
        "Ansattnummer {value} finnes ikke blant personene. Rett nummeret, eller legg personen til."
    ),
    "unknown_role": N_("Rollen «{value}» er ukjent. Kjente roller: {known}."),
    "unknown_unit": N_(
        "Enheten «{value}» finnes ikke blant enhetene. Rett navnet eller id-en, eller legg enheten til."
    ),
    "until_before_since": N_("Siste dag ({value}) er før første dag ({since}). Rett den ene av datoene."),
    # the organisation as a whole
    "conflicting_roles": N_(
        "Personen med ansattnummer {person} har roller på begge sider ({role}). Den som leder eller "
        "handler for arbeidsgiver, kan ikke være verneombud. Gi den ene rollen til en annen, eller "
        "sett til-dato."
    ),
    "inconsistent": N_(
        "Enhetene henger ikke sammen ({finding}: {place}). Rett enheten, og importer på nytt."
    ),
    "no_top_manager": N_(
        "Ingen er øverste leder i dag. Legg til en rad med rollen «daglig leder» eller «toppleder»."
    ),
    "substitute_loop": N_(
        "Vikarene går i ring, og personen med ansattnummer {person} er med. La den siste vikaren stå "
        "uten vikar."
    ),
    "unit_loop": N_("Enhetene er over hverandre i ring: {path}. La den øverste stå uten overordnet enhet."),
}

_PLACE = N_("{file}, linje {line}")
_PLACE_IN_COLUMN = N_("{file}, linje {line}, kolonne «{column}»")


def message(fault: ImportFault, _: Callable[[str], str]) -> str:
    """The fault as one sentence or two: where, what is wrong, and what to do. `_` translates from bokmål."""
    place = _(_PLACE if fault.column is None else _PLACE_IN_COLUMN)
    where = place.format(file=fault.file, line=fault.line, column=fault.column)
    reason = _(TEXTS[fault.code]).format(**dict(fault.params))
    return f"{where}: {reason}"
