"""Facts about the record itself in plain words: its keys and exports, who read what, and what was erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from activities.language import _, format_day, format_number, ngettext
from activities.words import BASES
from worker.cli.fact_words import PURPOSES, RECORDS, RESTORED
from workflows.rules.record_facts import (
    DocumentErased,
    DossierMade,
    ErasureAsked,
    HistoryExported,
    LedgerRestored,
    LogKeyEnrolled,
    PersonErased,
    RecordsErased,
    RetentionSet,
    TextsErased,
    TextsRead,
)

RecordFact = (
    LogKeyEnrolled | HistoryExported | TextsRead | DossierMade | TextsErased | PersonErased | DocumentErased
    | RecordsErased | RetentionSet | ErasureAsked | LedgerRestored
)  # fmt: skip

_MOST_PLACES = 8
_HASH_SHOWN = 12


def said_of_the_record(
    body: RecordFact, who: str, called: Callable[[str], str], unit: Callable[[str], str]
) -> Iterator[str]:
    """What the fact says, without the full stop. `who` is the actor's name; `called` and `unit` give the names
    of people and units by their ids."""
    match body:
        case LogKeyEnrolled(key=key, previous=None):
            yield _("Hovedboken signeres fra nå av med nøkkelen {key}").format(key=key)
        case LogKeyEnrolled(key=key, previous=before):
            text = _("Hovedboken signeres fra nå av med nøkkelen {key} i stedet for {before}")
            yield text.format(key=key, before=before)
            if body.previous_signature is None:
                yield _("; den gamle nøkkelen har ikke bekreftet det")
        case LedgerRestored(reason=reason, size=size, lost=lost):
            if lost is None:
                text = _(
                    "Hovedboken gikk videre fra {size} fakta, {why}; hva som var signert før, er ikke kjent"
                )
                yield text.format(size=format_number(size), why=_(RESTORED[reason]))
            else:
                text = _(
                    "Hovedboken gikk videre fra {size} fakta, {why}; den begynte ikke med de {lost} som var signert"
                )
                yield text.format(size=format_number(size), why=_(RESTORED[reason]), lost=format_number(lost))
        case HistoryExported(workflow=workflow, events=events, sha256=hash):
            text = ngettext(
                "Historikken til {workflow} er eksportert, {events} hendelse (fingeravtrykk {hash})",
                "Historikken til {workflow} er eksportert, {events} hendelser (fingeravtrykk {hash})",
                events,
            )
            yield text.format(workflow=workflow, events=format_number(events), hash=hash[:_HASH_SHOWN])
        case TextsRead(purpose=purpose, facts=facts):
            text = ngettext(
                "{who} leste {where} det som er skrevet i {count} hendelse (nr. {places})",
                "{who} leste {where} det som er skrevet i {count} hendelser (nr. {places})",
                len(facts),
            )
            yield text.format(who=who, where=_(PURPOSES[purpose]), count=len(facts), places=_places(facts))
        case DossierMade(year=year, unit=one, sha256=hash):
            place = unit(one) if one is not None else _("hele virksomheten")
            text = _("{who} laget en tilsynsmappe for {year}, {place} (fingeravtrykk {hash}): {what}")
            yield text.format(
                who=who,
                year=year,
                place=place,
                hash=hash[:_HASH_SHOWN],
                what=_contents(body.texts, body.names),
            )
        case _:
            yield from _said_of_erasure(body, who, called)


def _said_of_erasure(
    body: TextsErased | PersonErased | DocumentErased | RecordsErased | RetentionSet | ErasureAsked,
    who: str,
    called: Callable[[str], str],
) -> Iterator[str]:
    match body:
        case ErasureAsked(document=None, facts=facts, basis=basis):
            text = ngettext(
                "{who} vil ha slettet det som er skrevet i {count} hendelse, {why}; det slettes når en til er enig",
                "{who} vil ha slettet det som er skrevet i {count} hendelser, {why}; det slettes når en til er enig",
                len(facts),
            )
            yield text.format(who=who, count=len(facts), why=_(BASES[basis]))
        case ErasureAsked(document=hash, basis=basis):
            text = _(
                "{who} vil ha slettet innholdet i et dokument (fingeravtrykk {hash}), {why}; det slettes når en "
                "til er enig"
            )
            yield text.format(who=who, hash=(hash or "")[:_HASH_SHOWN], why=_(BASES[basis]))
        case TextsErased(facts=facts, basis=basis):
            text = ngettext(
                "{who} slettet det som var skrevet i {count} hendelse, {why}",
                "{who} slettet det som var skrevet i {count} hendelser, {why}",
                len(facts),
            )
            yield text.format(who=who, count=len(facts), why=_(BASES[basis]))
        case PersonErased(person=person, basis=basis):
            text = _("{who} slettet navn, adresse og nummer til {person}, {why}")
            yield text.format(who=who, person=called(person), why=_(BASES[basis]))
        case DocumentErased(document=hash, basis=basis):
            text = _("{who} slettet innholdet i et dokument (fingeravtrykk {hash}), {why}")
            yield text.format(who=who, hash=hash[:_HASH_SHOWN], why=_(BASES[basis]))
        case RecordsErased(records=records, count=count, before=before, basis=basis):
            text = _("{who} slettet {what} fra før {day}, {count} i alt, {why}")
            yield text.format(
                who=who, what=_(RECORDS[records]), day=format_day(before), count=format_number(count),
                why=_(BASES[basis]),
            )  # fmt: skip
        case RetentionSet(records=records, days=days):
            text = ngettext(
                "{who} bestemte at {what} lagres i {days} dag etter at det ikke trengs lenger",
                "{who} bestemte at {what} lagres i {days} dager etter at det ikke trengs lenger",
                days,
            )
            yield text.format(who=who, what=_(RECORDS[records]), days=format_number(days))


def _contents(texts: bool, names: bool) -> str:
    if texts and names:
        return _("med navn og det folk skrev")
    if texts:
        return _("med det folk skrev, uten navn")
    return _("med navn, uten det folk skrev") if names else _("uten navn og uten det folk skrev")


def _places(facts: Sequence[int]) -> str:
    shown = ", ".join(str(seq) for seq in facts[:_MOST_PLACES])
    return shown if len(facts) <= _MOST_PLACES else f"{shown} …"
