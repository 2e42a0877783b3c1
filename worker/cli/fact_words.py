"""The words for facts, by kind, reason and attempt; `worker.cli.fact_sentences` makes sentences of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from activities.language import N_
from workflows.rules.events import Attempt
from workflows.rules.organisation import Profile
from workflows.rules.terms import Outcome, Records, Refusal, Restored, What

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
    "decisions_stale": N_("svar som ikke gjelder lenger"),
    "step_reopened": N_("steget er åpnet igjen"),
    "decision_disregarded": N_("svar som ikke teller"),
    "answer_demanded": N_("arbeidsgiver skal svare på uenighet"),
    "wec_matter_raised": N_("uenighet meldt videre"),
    "disagreement_answered": N_("arbeidsgiver har svart på uenighet"),
    "answer_overdue": N_("svar på uenighet mangler"),
    "appointed": N_("noen har fått ansvar"),
    "run_started_again": N_("årshjulet er startet igjen"),
    "key_enrolled": N_("nøkkel registrert"),
    "key_revoked": N_("nøkkel trukket tilbake"),
    "delegated": N_("fullmakt gitt"),
    "delegation_ended": N_("fullmakt avsluttet"),
    "absence_set": N_("fravær"),
    "log_key_enrolled": N_("hovedbokens nøkkel registrert"),
    "ledger_restored": N_("hovedboken går videre etter gjenoppretting"),
    "history_exported": N_("arbeidshistorikk eksportert"),
    "texts_read": N_("noen har lest det andre skrev"),
    "dossier_made": N_("tilsynsmappe laget"),
    "erasure_asked": N_("sletting foreslått"),
    "texts_erased": N_("tekst slettet"),
    "person_erased": N_("person slettet"),
    "document_erased": N_("dokument slettet"),
    "records_erased": N_("gamle opplysninger slettet"),
    "retention_set": N_("lagringstid bestemt"),
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
    Refusal.TWO_ROLES: N_("den samme personen kan ikke ha begge rollene her"),
    Refusal.COMMENT_REQUIRED: N_("svaret manglet begrunnelse"),
    Refusal.TEXT_TOO_LONG: N_("teksten var for lang"),
    Refusal.OPPORTUNITY_NOT_GIVEN: N_("den som var spurt, hadde ikke hatt en reell mulighet til å svare"),
    Refusal.TOO_LATE: N_("det var for sent"),
    Refusal.WRONG_DOCUMENT: N_("svaret gjaldt et annet dokument enn det som lå der"),
    Refusal.WRONG_STAGE: N_("saken kan ikke sendes tilbake dit"),
    Refusal.WRONG_VOTES: N_("stemmene passet ikke til utvalget"),
    Refusal.WRONG_DATES: N_("datoene er ikke mulige"),
    Refusal.NOTHING_TO_ANSWER: N_("det var ingen uenighet å svare på"),
    Refusal.LOOP: N_("oppgavene ville gått i ring"),
    Refusal.NOT_DELEGABLE: N_("det kan ikke gis fullmakt til den oppgaven"),
    Refusal.UNKNOWN_PERSON: N_("personen finnes ikke her"),
    Refusal.UNKNOWN_DELEGATION: N_("fullmakten finnes ikke"),
    Refusal.UNREADABLE: N_("det som kom, kunne ikke leses"),
    Refusal.UNKNOWN_SIGNAL: N_("signalet er ukjent"),
    Refusal.UNSIGNED: N_("det var ikke signert"),
    Refusal.UNKNOWN_KEY: N_("nøkkelen er ukjent"),
    Refusal.REVOKED_KEY: N_("nøkkelen er trukket tilbake"),
    Refusal.BAD_SIGNATURE: N_("signaturen stemmer ikke"),
    Refusal.WRONG_PERSON: N_("nøkkelen er ikke den personens"),
    Refusal.WRONG_PLACE: N_("det gjaldt et annet sted"),
    Refusal.OWN_KEY_REQUIRED: N_("personen har en egen nøkkel, og bare den gjelder"),
    Refusal.EXPIRED: N_("det var gått ut på tid"),
    Refusal.FUTURE_DATED: N_("det var datert fram i tid"),
    Refusal.REPLAYED: N_("det var brukt før"),
    Refusal.NOTHING_TO_ERASE: N_("der er det ingenting å slette"),
    Refusal.STILL_NEEDED: N_("det er i bruk ennå"),
    Refusal.KEPT_TOO_SHORT: N_("det skal lagres lenger enn det"),
    Refusal.KEPT_TOO_LONG: N_("det skal ikke lagres så lenge"),
}
"""Why an attempt was refused, as half a sentence about the past."""

ANSWERED: Final[Mapping[Outcome, str]] = {
    Outcome.APPROVED: N_("{who} godkjente versjon {version}"),
    Outcome.CHANGES_REQUESTED: N_("{who} ba om endringer i versjon {version}"),
    Outcome.REJECTED: N_("{who} avviste versjon {version}"),
    Outcome.AGREED: N_("{who} er enig i versjon {version}"),
    Outcome.AGREED_WITH_REMARKS: N_("{who} er enig i versjon {version}, med merknader"),
    Outcome.DISAGREES: N_("{who} er uenig i versjon {version}"),
    Outcome.TREATED: N_("{who} meldte at versjon {version} er behandlet"),
}

ASKED: Final[Mapping[What, str]] = {
    "evidence": N_("{who} ({role}) er bedt om å legge fram dokumentasjon"),
    "approve": N_("{who} ({role}) er bedt om å ta stilling til versjon {version}"),
    "consult": N_("{who} ({role}) er rådspurt om versjon {version}"),
    "treat": N_("{who} ({role}) er bedt om å få versjon {version} behandlet"),
    "answer": N_("{who} ({role}) er bedt om å svare på uenigheten om versjon {version}"),
}

TRIED: Final[Mapping[Attempt, str]] = {
    "evidence": N_("Nektet: {who} prøvde å legge fram et dokument, men {reason}"),
    "decision": N_("Nektet: {who} prøvde å svare «{outcome}» som {role}, men {reason}"),
    "answer": N_("Nektet: {who} prøvde å svare på en uenighet, men {reason}"),
    "due_date": N_("Nektet: {who} prøvde å flytte fristen, men {reason}"),
    "delegation": N_("Nektet: {who} prøvde å gi eller avslutte en fullmakt, men {reason}"),
    "absence": N_("Nektet: {who} prøvde å føre fravær, men {reason}"),
    "key": N_("Nektet: {who} prøvde å registrere eller trekke tilbake en nøkkel, men {reason}"),
    "signal": N_("Nektet: {who} sendte et signal, men {reason}"),
    "statement": N_("Nektet: {who} sendte noe som skulle være en signert uttalelse, men {reason}"),
    "erasure": N_("Nektet: {who} prøvde å slette noe, men {reason}"),
    "retention": N_("Nektet: {who} prøvde å endre hvor lenge noe lagres, men {reason}"),
}

PURPOSES: Final[Mapping[str, str]] = {
    "history": N_("i historikken"),
    "step": N_("ved steget"),
    "dossier": N_("i en tilsynsmappe"),
    "search": N_("ved søk"),
}
"""Where texts were read."""

RECORDS: Final[Mapping[Records, str]] = {
    "text": N_("det folk skrev"),
    "deposited_text": N_("tekster som ventet på et svar"),
    "document": N_("dokumenter"),
    "person": N_("personer i registeret"),
    "delivery": N_("utsendinger"),
    "mail": N_("e-poster"),
    "history": N_("arbeidshistorikk"),
    "reading": N_("hvem som leste hva"),
}
"""Records that are kept for a time."""

RESTORED: Final[Mapping[Restored, str]] = {
    "backup": N_("fordi en sikkerhetskopi er lagt tilbake"),
    "failover": N_("fordi en kopi av databasen som lå etter, har tatt over"),
    "started_anew": N_("fordi databasen er laget på nytt"),
}
"""Why a ledger does not begin with what was signed of it."""

BECAUSE: Final[Mapping[str, str]] = {
    "new_version": N_("fordi det er lagt fram en ny versjon"),
    "basis_changed": N_("fordi noe som det bygger på, er gjort om"),
    "sent_back": N_("fordi saken er sendt tilbake"),
}

LACKING: Final[Mapping[str, str]] = {
    "evidence": N_("dokumentasjon fra {role}"),
    "approve": N_("svar fra {role}"),
    "consult": N_("uttalelse fra {role}"),
    "treat": N_("behandling hos {role}"),
    "answer": N_("svar på uenighet fra {role}"),
}
