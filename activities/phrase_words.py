"""The bokmål of every phrase that rules and store make: `activities.phrases` sets the values in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from activities.language import N_

_PROGRAMME: Final = {
    "not valid TOML: {said}.": N_("ikke gyldig TOML: {said}."),
    "Mend the line and try again.": N_("Rett linjen, og prøv igjen."),
    "its lists are nested too deep.": N_("listene ligger for mange nivåer inne i hverandre."),
    "Write them as flat lists.": N_("Skriv dem som flate lister."),
    "«{key}» stands here and under [programme].": N_("«{key}» står både her og under [programme]."),
    "Keep one of the two.": N_("Behold den ene av de to."),
    "Write [programme], and under it {keys}.": N_("Skriv [programme], og under det {keys}."),
    "«{short}» stands for every size, and this is the gate of one.": N_(
        "«{short}» gjelder alle størrelser, og denne porten er for én av dem."
    ),
    'Write kind = "consult", role = "{role}".': N_('Skriv kind = "consult", role = "{role}".'),
    "«{short}» stands under {kind}, and a committee treats.": N_(
        "«{short}» står under {kind}, og et utvalg behandler."
    ),
    'Write kind = "treat".': N_('Skriv kind = "treat".'),
    "«{text}» is not one day of the following year.": N_("«{text}» er ikke én dag i året etter."),
    "Write it as MM-DD, e.g. 01-31.": N_("Skriv den som MM-DD, for eksempel 01-31."),
    "{digest:%H:%M} is before the day's notices, at {hour:02}:00.": N_(
        "{digest:%H:%M} er før dagens beskjeder, som går {hour:02}:00."
    ),
    "Write a later time, or set an earlier `hour` under [calendar].": N_(
        "Skriv et senere klokkeslett, eller en tidligere «hour» under [calendar]."
    ),
    "the steps wait for each other: {way}.": N_("stegene venter på hverandre: {way}."),
    "Give one of them a day of its own, or take it out of `builds_on`.": N_(
        "Gi et av dem en egen dag, eller ta det ut av «builds_on»."
    ),
    "{what} is written twice.": N_("{what} står to ganger."),
    "the step": N_("steget"),
    "the method": N_("metoden"),
    "the factor": N_("faktoren"),
    "the requirement": N_("kravet"),
    "Give one of them another id, or remove it.": N_("Gi den ene en annen id, eller fjern den."),
    "«{value}» is listed twice.": N_("«{value}» står to ganger i listen."),
    "{value} is listed twice.": N_("{value} står to ganger i listen."),
    "Remove it, or write the one that was meant.": N_("Fjern den ene, eller skriv det som var ment."),
    "no step «{id}».": N_("det finnes ikke noe steg «{id}»."),
    "no method «{id}».": N_("det finnes ingen metode «{id}»."),
    "«{text}» counts from itself.": N_("«{text}» regnes fra seg selv."),
    "Count from another day.": N_("Regn fra en annen dag."),
    "opens and due count from each other.": N_("«opens» og «due» regnes fra hverandre."),
    "Give one of them a day.": N_("Gi den ene en dag."),
    "«{text}»: only a due date has an «at latest».": N_("«{text}»: bare en frist kan ha «at latest»."),
    "Write the day it opens, without a limit.": N_("Skriv dagen steget åpner, uten grense."),
    "{role} cannot approve: the employer's side decides (aml. § 2-1).": N_(
        "{role} kan ikke godkjenne: det er arbeidsgiversiden som bestemmer (aml. § 2-1)."
    ),
    'Write kind = "consult", or let one of {sides} approve.': N_(
        'Skriv kind = "consult", eller la en av disse godkjenne: {sides}.'
    ),
    "{role} stands twice under {kind}.": N_("{role} står to ganger under {kind}."),
    "Remove one; use `quorum` to ask for more than one of them.": N_(
        "Fjern den ene; bruk «quorum» for å spørre flere enn én av dem."
    ),
    "{role} stands both under {one} and under {other}.": N_("{role} står både under {one} og under {other}."),
    "A role has one part in a gate: keep one, or name another role.": N_(
        "En rolle har én oppgave i en port: behold den ene, eller nevn en annen rolle."
    ),
    "in {year} it would be due {due}, before it opens {opens}.": N_(
        "i {year} ville fristen vært {due}, før det åpner {opens}."
    ),
    "Move `due` later or `opens` earlier.": N_("Flytt «due» til senere, eller «opens» til tidligere."),
}

_DAYS: Final = {
    "{hour} is not an hour of the day.": N_("{hour} er ikke en time i døgnet."),
    "Write the local hour in Oslo, from 0 to 23.": N_("Skriv timen slik klokken er i Oslo, fra 0 til 23."),
    "{week} is not an ISO week.": N_("{week} er ikke en uke i året."),
    "List weeks from 1 to 53, as in 28, 29, 30.": N_("Skriv uker fra 1 til 53, som 28, 29, 30."),
    "«{text}» is not a day of the year.": N_("«{text}» er ikke en dag i året."),
    "Write it as MM-DD.": N_("Skriv den som MM-DD."),
    "«{text}» has no day after «at latest».": N_("«{text}» har ingen dag etter «at latest»."),
    "Write one as MM-DD, e.g. 06-01.": N_("Skriv en som MM-DD, for eksempel 06-01."),
    "«{text}» is not a day.": N_("«{text}» er ikke en dag."),
    "Write 05-20, «2nd monday of march», «opens + 21 d», «due - 21 d» or «Y12 + 14 d», "
    "and if need be «, at latest 06-01» after it.": N_(
        "Skriv 05-20, «2nd monday of march», «opens + 21 d», «due - 21 d» eller «Y12 + 14 d», "
        "og om nødvendig «, at latest 06-01» etter."
    ),
    "«{text}»: there is no such day in every year.": N_("«{text}»: den dagen finnes ikke i alle år."),
    "Choose a day that each year has.": N_("Velg en dag som finnes i alle år."),
    "{day} is a date of one year, and the programme is for every year.": N_(
        "{day} er en dato i ett år, og programmet gjelder for alle år."
    ),
    'Write the day alone, in quotes: "{day:%m-%d}".': N_('Skriv bare dagen, i anførselstegn: "{day:%m-%d}".'),
    "this is not a day.": N_("dette er ikke en dag."),
    'Write it in quotes, like "05-20" or "opens + 21 d".': N_(
        'Skriv den i anførselstegn, som "05-20" eller "opens + 21 d".'
    ),
    "{shown} is not a time of day.": N_("{shown} er ikke et klokkeslett."),
    'Write it in quotes, from 00:00 to 23:59: "08:15".': N_(
        'Skriv det i anførselstegn, fra 00:00 til 23:59: "08:15".'
    ),
    "{days} are not nearer and nearer to the due date.": N_("{days} kommer ikke nærmere og nærmere fristen."),
    "Write the days before it, each smaller than the one before: 14, 3, 0.": N_(
        "Skriv antall dager før den, hvert tall mindre enn det forrige: 14, 3, 0."
    ),
    "the rungs stand at {days} days.": N_("trinnene står på {days} dager."),
    "Let each rung come later than the one before: order them by days.": N_(
        "La hvert trinn komme senere enn det forrige: ordne dem etter dager."
    ),
}

_SHAPE: Final = {
    "this key is missing.": N_("denne nøkkelen mangler."),
    "Add it.": N_("Legg den til."),
    "this key is not known here.": N_("denne nøkkelen er ikke kjent her."),
    "Remove it, or mend its spelling.": N_("Fjern den, eller rett skrivemåten."),
    "Did you mean {ids}?": N_("Mente du {ids}?"),
    "{one} or {other}": N_("{one} eller {other}"),
    "Known: {known}.": N_("Kjent her: {known}."),
    "The file has none: add it, or remove this.": N_("Filen har ingen: legg den til, eller fjern dette."),
    "{shown} is not known.": N_("{shown} er ukjent."),
    "{shown} is not {what}.": N_("{shown} er ikke {what}."),
    "the id of a step": N_("id-en til et steg"),
    "Write a capital letter and two or three digits, like Y07.": N_(
        "Skriv en stor bokstav og to eller tre sifre, som Y07."
    ),
    "the id of a method": N_("id-en til en metode"),
    "Write M and one digit, like M2.": N_("Skriv M og ett siffer, som M2."),
    "the id of a factor": N_("id-en til en faktor"),
    "Write small letters, digits and _, like workload.": N_("Skriv små bokstaver, sifre og _, som workload."),
    "a text": N_("en tekst"),
    "Write the text.": N_("Skriv teksten."),
    "a table": N_("en tabell"),
    "a list": N_("en liste"),
    "nothing": N_("ingenting"),
    "{shown} stands where a table is expected.": N_("{shown} står der det skal være en tabell."),
    "{shown} stands where a list is expected.": N_("{shown} står der det skal være en liste."),
    "{shown} stands where a text is expected.": N_("{shown} står der det skal være en tekst."),
    "{shown} stands where a whole number is expected.": N_("{shown} står der det skal være et heltall."),
    "{shown} stands where yes or no is expected.": N_("{shown} står der det skal være ja eller nei."),
    "{shown} stands where a word in quotes is expected.": N_(
        "{shown} står der det skal være et ord i anførselstegn."
    ),
    "Write a table with {keys}.": N_("Skriv en tabell med {keys}."),
    "Write a text in quotes.": N_("Skriv en tekst i anførselstegn."),
    "Write digits, without quotes.": N_("Skriv sifre, uten anførselstegn."),
    "Write true or false, without quotes.": N_("Skriv true eller false, uten anførselstegn."),
    "{shown} is too small.": N_("{shown} er for lite."),
    "Write a whole number of {least} or more.": N_("Skriv et heltall som er {least} eller mer."),
    "{shown} is too large.": N_("{shown} er for mye."),
    "Write a whole number of {most} or less.": N_("Skriv et heltall som er {most} eller mindre."),
    "the list is empty.": N_("listen er tom."),
    "List at least one, or remove the key where it may be left out.": N_(
        "Skriv minst én, eller fjern nøkkelen der den kan utelates."
    ),
    "[{name}] is one table, and there may be many.": N_("[{name}] er én tabell, og det kan være flere."),
    "Write [[{name}]], in double brackets.": N_("Skriv [[{name}]], med to klammer på hver side."),
    "Put it in brackets: [{{ … }}].": N_("Sett den i klammer: [{{ … }}]."),
    'Put it in brackets, as ["…"].': N_('Sett det i klammer, som ["…"].'),
    "{shown} does not fit here: {said}.": N_("{shown} passer ikke her: {said}."),
    "Write another value.": N_("Skriv en annen verdi."),
}

_LAW: Final = {
    "{file} is not valid TOML: {said}.": N_("{file} er ikke gyldig TOML: {said}."),
    "Correct that line and read it again.": N_("Rett linjen, og les filen på nytt."),
    "The legal register has no {kind} {id!r}.": N_("Lovregisteret har ikke «{id}» ({kind})."),
    "Correct the id where it is cited, or add it to the register.": N_(
        "Rett id-en der den er nevnt, eller legg den til i registeret."
    ),
    "The {kind} {id} is not in force on {day}; the register has it {periods}.": N_(
        "{id} ({kind}) gjelder ikke {day}; registeret har den {periods}."
    ),
    "Ask for a day in that time, cite what applies on that day, or add its row to the register.": N_(
        "Spør om en dag i den tiden, nevn det som gjelder den dagen, eller legg raden til i registeret."
    ),
    "provision": N_("bestemmelse"),
    "threshold": N_("terskel"),
    "requirement": N_("lovkrav"),
    "from {since}": N_("fra {since}"),
    "from {since} to {until}": N_("fra {since} til {until}"),
}

_STORE: Final = {
    "nobody answers there": N_("ingen svarer der"),
    "no computer has that name": N_("ingen maskin har det navnet"),
    "it did not answer in time": N_("den svarte ikke i tide"),
    "the user or the password is wrong": N_("brukeren eller passordet er feil"),
    "Cannot use the database {place}: {said}.": N_("Databasen {place} kan ikke brukes: {said}."),
    "All connections are in use; try again, or run fewer activities at the same time.": N_(
        "Alle tilkoblinger er i bruk. Prøv igjen, eller kjør færre ting samtidig."
    ),
    "Another program writes to it. Wait a moment, and try again.": N_(
        "Et annet program skriver i den. Vent litt, og prøv igjen."
    ),
    "Check that its folder exists, that you may write there, and that the disk is not full.": N_(
        "Kontroller at mappen finnes, at du kan skrive i den, og at disken ikke er full."
    ),
    "Check that the server runs and that address, database, user and password are right.": N_(
        "Kontroller at tjeneren kjører, og at adresse, database, bruker og passord er rette."
    ),
    "{place} needs the driver {driver}.": N_("{place} trenger driveren {driver}."),
    "Install it: pip install 'forsvarlig[postgres]'": N_("Installer den: pip install 'forsvarlig[postgres]'"),
    "The address of the database cannot be read.": N_("Adressen til databasen kan ikke leses."),
    "An SQLite database takes a path only, no host or options.": N_(
        "En SQLite-database har bare en sti, ingen vert og ingen valg."
    ),
    "A database of the kind {kind!r} is not supported.": N_("Databaser av slaget «{kind}» kan ikke brukes."),
    "The database must be kept in a file or on a server.": N_(
        "Databasen må ligge i en fil eller på en tjener."
    ),
    "Write the path of a file, sqlite:///path/of/a/file, or postgresql://user:password@host:port/database.": N_(
        "Skriv stien til en fil, sqlite:///sti/til/en/fil, eller postgresql://bruker:passord@vert:port/database."
    ),
    "A change failed and was not undone, so the whole transaction is.": N_(
        "En endring mislyktes og ble ikke angret, så alt den hørte sammen med, er angret."
    ),
    "Try it again.": N_("Prøv igjen."),
    "The employer {id!r} is {mode} and stays so.": N_("Virksomheten «{id}» er {mode}, og forblir det."),
    "Choose another id for {mode}.": N_("Velg en annen id for {mode}."),
    "real": N_("virkelig"),
    "a rehearsal": N_("en prøvekjøring"),
    "The head of the ledger of {employer!r} was changed from outside, so nothing is added.": N_(
        "Hodet på hovedboken til «{employer}» er endret utenfra, så ingenting føres."
    ),
    "See what else was: forsvarlig doctor. Then restore a backup.": N_(
        "Se hva annet som er endret: forsvarlig doctor. Hent så en sikkerhetskopi."
    ),
    "There is no programme or legal register with hash {hash}.": N_(
        "Det finnes ikke noe program eller lovregister med avtrykk {hash}."
    ),
    "Restore it from a backup.": N_("Hent det fra en sikkerhetskopi."),
    "The database {file} is read all the time, so its write-ahead log could not be emptied.": N_(
        "Databasen {file} leses hele tiden, så loggen ved siden av (WAL) kunne ikke tømmes."
    ),
    "Do it again at a quieter time, or stop the workers first.": N_(
        "Gjør det igjen når det er stille, eller stopp arbeiderne først."
    ),
    "Cannot write the database {file} anew: {said}.": N_("Databasen {file} kan ikke skrives om: {said}."),
    "Check that the disk has room.": N_("Kontroller at disken har plass."),
    "Cannot write the table {table} anew: it belongs to another role.": N_(
        "Tabellen {table} kan ikke skrives om: den hører til en annen rolle."
    ),
    "Do it as the owner of the database: FORSVARLIG_DATABASE_URL=… forsvarlig retention run": N_(
        "Gjør det som eieren av databasen: FORSVARLIG_DATABASE_URL=… forsvarlig retention run"
    ),
    "Cannot write the tables anew: {said}.": N_("Tabellene kan ikke skrives om: {said}."),
    "Let the owner of the database do it.": N_("La eieren av databasen gjøre det."),
}

_NOTES: Final = {
    "{shown} is no key: it is written name+id+base64.": N_(
        "{shown} er ikke en nøkkel: den skrives navn+id+base64."
    ),
    "{shown} is no key of Ed25519: its base64 is not of a kind and 32 bytes.": N_(
        "{shown} er ikke en Ed25519-nøkkel: det som står i base64, er ikke et slag og 32 byte."
    ),
    "{shown} is no key: its id is not that of its name and its bytes.": N_(
        "{shown} er ikke en nøkkel: id-en stemmer ikke med navnet og resten."
    ),
    "There is no blank line between a text and its signatures.": N_(
        "Det mangler en tom linje mellom teksten og signaturene."
    ),
    "The last line of the note does not end.": N_("Den siste linjen er ikke avsluttet."),
    "The note has {count} signatures; {most} are looked at.": N_(
        "Det er {count} signaturer; høyst {most} blir lest."
    ),
    "A key has two lines among the signatures.": N_("En nøkkel har to linjer blant signaturene."),
    "{shown} is no signature: it is written «{dash} name base64».": N_(
        "{shown} er ikke en signatur: den skrives «{dash} navn base64»."
    ),
    "{shown} is no signature: it is shorter than a key's id.": N_(
        "{shown} er ikke en signatur: den er kortere enn id-en til en nøkkel."
    ),
    "The signature of {name} is not over this text.": N_("Signaturen til {name} gjelder ikke denne teksten."),
    "No key that is trusted signed this note; it is signed as {names}.": N_(
        "Ingen nøkkel du stoler på, har signert dette; det er signert som {names}."
    ),
    "The cosignature of {name} has no time that can be: {said}.": N_(
        "Medsignaturen til {name} har et tidspunkt som ikke kan stemme: {said}."
    ),
    "A note has at most {most} bytes; this has {count}.": N_(
        "Det kan være høyst {most} byte; her er {count}."
    ),
    "A note is UTF-8; the byte at {place} is not.": N_("Teksten skal være UTF-8; byte {place} er det ikke."),
    "A note has no control characters; this has U+{code:04X}.": N_(
        "Teksten kan ikke ha styretegn; her er U+{code:04X}."
    ),
    "{shown} is no name of a key: it is not empty and has no space and no plus.": N_(
        "{shown} kan ikke være navnet på en nøkkel: det er ikke tomt, og har verken mellomrom eller pluss."
    ),
    "{shown} is no base64, as {what} must be.": N_("{shown} er ikke base64, slik {what} skal være."),
    "{shown} is not the base64 that {what} must be: its last bits are not zero.": N_(
        "{shown} er ikke den base64 som {what} skal være: de siste bitene er ikke null."
    ),
    "a key": N_("en nøkkel"),
    "a signature": N_("en signatur"),
    "line 3 of the checkpoint": N_("linje 3 i kontrollpunktet"),
    "A checkpoint is four or five lines; these are {count}.": N_(
        "Et kontrollpunkt er fire eller fem linjer; her er det {count}."
    ),
    "Line 2 of the checkpoint, {shown}, is no number of facts.": N_(
        "Linje 2 i kontrollpunktet, {shown}, er ikke et antall fakta."
    ),
    "Line 3 of the checkpoint, {shown}, is no hash of {bytes} bytes.": N_(
        "Linje 3 i kontrollpunktet, {shown}, er ikke et avtrykk på {bytes} byte."
    ),
    "Line 4 of the checkpoint, {shown}, is no time.": N_(
        "Linje 4 i kontrollpunktet, {shown}, er ikke et tidspunkt."
    ),
    "Line 5 of the checkpoint, {shown}, names no checkpoint before it.": N_(
        "Linje 5 i kontrollpunktet, {shown}, nevner ikke kontrollpunktet før."
    ),
    "{shown} is no fingerprint: it is written like 545-K3QF-7D2A-QWER-TYUI-2XMB-Q7CN-5HWL-ZD4E.": N_(
        "{shown} er ikke et avtrykk: det skrives som 545-K3QF-7D2A-QWER-TYUI-2XMB-Q7CN-5HWL-ZD4E."
    ),
    "The key is {name}'s, and the checkpoint is of {origin}.": N_(
        "Nøkkelen er for {name}, og kontrollpunktet for {origin}."
    ),
    "The first line of an anchor is {first}, and this is another.": N_(
        "Den første linjen i et anker er {first}; her er den en annen."
    ),
    "The third line of an anchor is blank.": N_("Den tredje linjen i et anker skal være tom."),
    "No log key was enrolled among the first {size} facts of {employer}.": N_(
        "Ingen nøkkel til hovedboken er registrert blant de første {size} fakta i {employer}."
    ),
    "A request has at most {most} bytes; this has {count}.": N_(
        "En forespørsel har høyst {most} byte; her er {count}."
    ),
    "A request is UTF-8; the byte at {place} is not.": N_(
        "En forespørsel skal være UTF-8; byte {place} er det ikke."
    ),
    "A request begins with a line like «old 120», and ends its proof with a blank line.": N_(
        "En forespørsel begynner med en linje som «old 120», og beviset slutter med en tom linje."
    ),
    "A proof has at most {most} hashes; this has {count}.": N_(
        "Et bevis har høyst {most} avtrykk; her er {count}."
    ),
    "{shown!r} is no hash of a proof: it is the base64 of {bytes} bytes.": N_(
        "«{shown}» er ikke et avtrykk i et bevis: det er {bytes} byte i base64."
    ),
}

_STATEMENT: Final = {
    "The text is {length} characters long, and {most} is the most that can be written with an act.": N_(
        "Teksten er på {length} tegn, og høyst {most} kan skrives med et svar eller en begrunnelse."
    ),
    "Shorten it, and file the whole of it as a document: forsvarlig step submit": N_(
        "Kort den ned, og legg fram hele teksten som et dokument: forsvarlig step submit"
    ),
}

WORDS: Final[Mapping[str, str]] = {
    **_PROGRAMME, **_DAYS, **_SHAPE, **_LAW, **_STORE, **_NOTES, **_STATEMENT,
}  # fmt: skip
"""The bokmål template of each English one, with the same values."""

SAID: Final[Mapping[str, str]] = {
    "No such file or directory": N_("filen eller mappen finnes ikke"),
    "Permission denied": N_("ingen tilgang"),
    "Is a directory": N_("er en mappe"),
    "Not a directory": N_("er ikke en mappe"),
    "Read-only file system": N_("filsystemet kan bare leses"),
    "No space left on device": N_("disken er full"),
    "Connection refused": N_("ingen svarer der"),
    "database is locked": N_("databasen er opptatt"),
    "unable to open database file": N_("databasefilen kan ikke åpnes"),
    "attempt to write a readonly database": N_("databasen kan bare leses"),
    "database or disk is full": N_("disken er full"),
    "disk I/O error": N_("disken svarer med en feil"),
    "file is not a database": N_("filen er ikke en database"),
    "database disk image is malformed": N_("databasefilen er ødelagt"),
    "Invalid value": N_("verdien er ikke gyldig"),
    "Invalid statement": N_("linjen er ikke gyldig"),
    "Invalid date or datetime": N_("datoen er ikke gyldig"),
    "Invalid initial character for a key part": N_("nøkkelen begynner med et tegn som ikke kan stå der"),
    "Cannot overwrite a value": N_("verdien er satt før"),
    "Expected '=' after a key in a key/value pair": N_("det mangler «=» etter nøkkelen"),
    "Expected newline or end of document after a statement": N_("det står mer på linjen enn det kan"),
    "Expected ']' at the end of a table declaration": N_("det mangler «]» etter navnet på tabellen"),
    "Expected ']]' at the end of an array declaration": N_("det mangler «]]» etter navnet på listen"),
    "Unclosed array": N_("listen er ikke lukket med «]»"),
    "Unclosed inline table": N_("tabellen er ikke lukket med klamme"),
    "Unterminated string": N_("teksten er ikke lukket med anførselstegn"),
    "Unescaped '\\' in a string": N_("teksten har en «\\» som ikke kan stå der"),
}
"""What the operating system, SQLite and the reader of TOML say, where people meet it."""
