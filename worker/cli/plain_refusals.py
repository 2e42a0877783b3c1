"""What a refused person reads where it hangs on no step: keys, signatures, substitutes, signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from activities.language import N_, _, format_number
from worker.cli.words import Told
from workflows.rules.statement import LONGEST_TEXT
from workflows.rules.terms import Refusal

_AGAIN = N_("Prøv en gang til; da blir det signert på nytt. Hjelper det ikke, se «forsvarlig doctor».")

PLAINLY: Final[Mapping[Refusal, tuple[str, str]]] = {
    Refusal.WRONG_VOTES: (
        N_(
            "Stemmene passer ikke til utvalget: hver stemmer på én side, og et mindretall må si hva det mener."
        ),
        N_("Før opp flertall og mindretall på nytt, og skriv hva mindretallet vil ha ført."),
    ),
    Refusal.TEXT_TOO_LONG: (
        N_("Teksten er for lang: høyst {most} tegn kan skrives med et svar eller en begrunnelse."),
        N_("Kort den ned, og legg fram hele teksten som et dokument: forsvarlig step submit"),
    ),
    Refusal.WRONG_DATES: (
        N_("Datoene er ikke mulige: slutten må komme etter starten, og ikke være forbi."),
        N_("Velg en dag som ikke er forbi, og som er innenfor det som er tillatt (året, eller 366 dager)."),
    ),
    Refusal.LOOP: (
        N_("Da ville oppgavene gått i ring, eller gjennom flere enn tre personer, og ingen ville hatt dem."),
        N_("Velg en som ikke selv har gitt fullmakt. Se fullmaktene: forsvarlig delegate list"),
    ),
    Refusal.NOT_DELEGABLE: (
        N_(
            "Det kan ikke gis fullmakt til det: arbeidsgiver kan verken velge vikar for en valgt representant eller "
            "svare for den."
        ),
        N_("Er verneombudet borte, trer vara inn: forsvarlig absence set"),
    ),
    Refusal.UNKNOWN_PERSON: (
        N_("Personen finnes ikke hos virksomheten, eller har sluttet."),
        N_("Sjekk navnet: forsvarlig org show. Mangler noen, importer på nytt med «forsvarlig org import»."),
    ),
    Refusal.UNKNOWN_DELEGATION: (
        N_("Ingen fullmakt har den id-en."),
        N_("Se fullmaktene: forsvarlig delegate list"),
    ),
    Refusal.UNREADABLE: (
        N_("Det som kom, kan ikke leses som en signert uttalelse."),
        N_(
            "Send det uendret som det ble laget, eller lag det på nytt med «forsvarlig decide … --as-signal»."
        ),
    ),
    Refusal.UNKNOWN_SIGNAL: (
        N_("Årshjulet kjenner ikke signalet."),
        N_("Bruk signalet «decide» med en signert uttalelse: forsvarlig decide … --as-signal"),
    ),
    Refusal.UNSIGNED: (
        N_("Uttalelsen er ikke signert, så ingen vet hvem den er fra."),
        N_("Signer den: forsvarlig decide … --as-signal"),
    ),
    Refusal.UNKNOWN_KEY: (
        N_("Nøkkelen som det er signert med, er ikke registrert hos virksomheten."),
        N_("Registrer nøkkelen først: forsvarlig key enrol"),
    ),
    Refusal.REVOKED_KEY: (
        N_("Nøkkelen som det er signert med, er trukket tilbake og gjelder ikke lenger."),
        N_("Lag en ny nøkkel og registrer den: forsvarlig key enrol"),
    ),
    Refusal.BAD_SIGNATURE: (
        N_(
            "Signaturen stemmer ikke med det som er signert: noe er endret på veien, eller nøkkelen er en annen."
        ),
        _AGAIN,
    ),
    Refusal.WRONG_PERSON: (
        N_("Nøkkelen som det er signert med, er ikke nøkkelen til den som det er sagt at det kommer fra."),
        N_("Svar som deg selv, med din egen nøkkel. Se nøklene: forsvarlig key list"),
    ),
    Refusal.WRONG_PLACE: (
        N_("Uttalelsen gjelder et annet årshjul enn det som den ble sendt til."),
        N_("Send den til årshjulet som står i den, eller lag en ny for dette."),
    ),
    Refusal.OWN_KEY_REQUIRED: (
        N_("Personen har en egen nøkkel, og da kan ingen annen svare for personen."),
        N_("Svar med den egne nøkkelen: legg til --key FIL. Er den mistet: forsvarlig key revoke"),
    ),
    Refusal.EXPIRED: (
        N_(
            "Uttalelsen er gått ut på tid: den ble ikke sendt før den utløp, eller skulle gjelde i mer enn sju dager."
        ),
        _AGAIN,
    ),
    Refusal.FUTURE_DATED: (
        N_("Uttalelsen er datert fram i tid."),
        N_("Still klokken på maskinen som signerte, og lag uttalelsen på nytt."),
    ),
    Refusal.REPLAYED: (
        N_("Den samme uttalelsen er alt mottatt, og kan ikke brukes en gang til."),
        N_(
            "Du trenger ikke gjøre noe: det første svaret står. Vil du svare på noe nytt, lag en ny uttalelse."
        ),
    ),
}
"""What was wrong, and what to do, where it hangs on no step."""


def told_plainly(reason: Refusal) -> Told:
    """Why an attempt that is in no step was refused, and what to do next; `KeyError` for a step's refusal."""
    problem, remedy = PLAINLY[reason]
    return Told(_(problem).format(most=format_number(LONGEST_TEXT)), _(remedy))
