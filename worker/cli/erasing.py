"""What `forsvarlig erase` shows before and after: what goes, who must agree, and what cannot be called back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from activities.language import N_, _, format_moment, ngettext
from activities.words import listed
from worker.cli.desk import Desk
from worker.cli.fact_sentences import sentence
from worker.cli.fact_words import REASONS
from worker.cli.failures import Conflict, Failure
from worker.cli.frame import frame, working
from worker.cli.naming import name
from worker.cli.receipts import recorded
from workflows.rules.record_facts import DossierMade
from workflows.rules.terms import Refusal

if TYPE_CHECKING:
    from activities.erased_files import ErasedFiles
    from activities.receipts import Receipt
    from activities.store.database import Database
    from activities.store.rows import PersonRow
    from workflows.rules.events import Body, Fact
    from workflows.rules.statement import Act

ERASED: Final = frozenset({"texts_erased", "document_erased", "person_erased"})
"""The kinds of facts that files and old pages follow."""

_REMEDIES: Final[Mapping[Refusal, str]] = {
    Refusal.NOT_ELIGIBLE: N_(
        "Det må to til: øverste leder eller HR, og den som skrev det. Det som er skrevet for arbeidsgiver, eller "
        "av en som har sluttet, krever et verneombud. Navn slettes av øverste leder eller HR."
    ),
    Refusal.ALREADY_DECIDED: N_("Vent på den andre. Se hva som venter: forsvarlig erase list"),
    Refusal.NOTHING_TO_ERASE: N_("Se hva som er lagret: forsvarlig history"),
    Refusal.STILL_NEEDED: N_(
        "Vent til steget er ferdig, eller til personen har sluttet og ikke har noen rolle igjen."
    ),
    Refusal.KEPT_TOO_SHORT: N_(
        "Se hvor lenge det skal lagres: forsvarlig retention show. Har personen bedt om det: --basis request"
    ),
    Refusal.OWN_KEY_REQUIRED: N_("Signer med din egen nøkkel: --key FIL"),
}


async def foreseen(desk: Desk, actor: str, act: Act) -> Body:
    """What would be recorded if `actor` did this now; nothing is."""
    from activities.erasure import of_the_record
    from activities.proof import Keys
    from workflows.rules.acts import judge_of_the_record

    async with desk.database.read() as reader:
        ring = await Keys().of(reader, desk.employer)
        about = await of_the_record(reader, ring, desk.employer, act, desk.now)
    return judge_of_the_record(desk.organisation, about, actor, act, desk.now)


async def who_may_agree(desk: Desk, facts: Iterable[Fact], actor: str) -> tuple[str, ...]:
    """The people whose word is missing after the actor's, each once."""
    from activities.erasure import written_in
    from workflows.rules.erasure import may_agree
    from workflows.rules.retention import decides

    texts = [written_in(fact) for fact in facts]
    day, everyone = desk.today, desk.organisation.people()
    if decides(desk.organisation, actor, day):
        return tuple(
            p for p in everyone if p != actor and any(may_agree(desk.organisation, p, t, day) for t in texts)
        )
    return tuple(p for p in everyone if decides(desk.organisation, p, day))


async def dossiers_since(desk: Desk, place: int, *, names: bool) -> list[tuple[int, Fact]]:
    """Inspection files made from place `place` on that hold names, or else texts: they are outside now."""
    async with desk.database.read() as reader:
        facts = await reader.facts(desk.employer, kinds=("dossier_made",))
    return [
        (seq, fact)
        for seq, fact in facts
        if isinstance(fact.body, DossierMade)
        and fact.body.size >= place
        and (fact.body.names if names else fact.body.texts)
    ]


def told_of_dossiers(dossiers: Sequence[tuple[int, Fact]], names: Mapping[str, str]) -> list[str]:
    """That these are outside, for whoever must call them back."""
    if not dossiers:
        return []
    lines = [
        ngettext(
            "Én tilsynsmappe har det med seg og kan ikke endres. Be den som har fått den, om å slette den:",
            "{count} tilsynsmapper har det med seg og kan ikke endres. Be dem som har fått dem, om å slette dem:",
            len(dossiers),
        ).format(count=len(dossiers))
    ]
    for seq, fact in dossiers:
        text = _("- nr. {seq}, {when}: {what}")
        said = sentence(fact.body, fact.actor, names)
        lines.append(text.format(seq=seq, when=format_moment(fact.recorded), what=said))
    return lines


def files() -> ErasedFiles:
    """The files of this machine's installation that hold what can be erased."""
    from activities.documents import Documents
    from activities.erased_files import ErasedFiles

    settings = frame().settings
    return ErasedFiles(Documents(settings.documents), settings.mail_directory, settings.histories)


async def clean(database: Database, employer: str, person: PersonRow | None = None) -> list[str]:
    """Delete the files that follow, and write the database anew; what could not be done, in words."""
    from activities.store.errors import StoreError

    here = files()
    if person is not None:
        here.delete(await here.mails_about(person))
    async with database.read() as reader:
        await here.sweep(reader, employer)
    try:
        with working(_("Skriver databasen om, så det slettede ikke ligger igjen …")):
            await database.scrub()
    except StoreError:
        return [old_pages()]
    return []


def old_pages() -> str:
    """That what was deleted may still lie in the database's files."""
    return _(
        "Det er slettet, men kan ligge igjen i databasens gamle sider til den er skrevet om. Gjør det når det er "
        "stille, og i PostgreSQL som databasens eier: forsvarlig retention run"
    )


def refusal(receipt: Receipt) -> Failure:
    """Why it was refused, and what to do."""
    reason = receipt.reason or Refusal.UNREADABLE
    problem = _("Nektet: {reason}.").format(reason=_(REASONS[reason]))
    remedy = _(_REMEDIES[reason]) if reason in _REMEDIES else "forsvarlig history"
    return Conflict(recorded(problem, receipt), remedy)


def waits_for(people: Sequence[str], names: Mapping[str, str]) -> str:
    """Whose word is missing."""
    if not people:
        return _("Ingen kan gi det andre ordet nå, så det blir stående til lagringstiden er ute.")
    who = listed(name(person, names) for person in people)
    return _("Det slettes når også en av disse sier ja: {who}.").format(who=who)
