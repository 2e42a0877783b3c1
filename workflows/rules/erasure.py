"""Who may have something erased before its time is up, and when that is settled.

What people wrote is erased when two have said so: somebody who decides for the employer, which is the controller,
and the one who wrote it. So no manager erases a safety representative's disagreement, and nobody erases alone
what they wrote themselves. What was written for the employer is the employer's own explanation: there the other
word is an elected representative's, and so it is where the one who wrote it is here no more.
Everything here is pure and total: it answers with the body to record, accepted or refused.
"""

from __future__ import annotations

from datetime import date, timedelta

from workflows.rules.base import Frozen
from workflows.rules.events import AttemptRefused
from workflows.rules.organisation import EMPLOYER_SIDE, Organisation, Role
from workflows.rules.record_facts import DocumentErased, ErasureAsked, PersonErased, TextsErased
from workflows.rules.refusals import refused
from workflows.rules.retention import Schedule, decides, due, elected, gone_since
from workflows.rules.roles import Id
from workflows.rules.statement import EraseDocument, ErasePerson, EraseText
from workflows.rules.terms import Refusal

ASKED_FOR = timedelta(days=90)
"""How long one word waits for the other."""


class Written(Frozen):
    """Something that somebody wrote or filed, and who has said that it may be erased.

    `role` is the role in which it was written (None where the act has none), `kept` whether it is there still,
    `needed` whether an open step rests on it. `asked` are those who said so, by proven acts not too long ago.
    """

    author: Id
    role: Role | None = None
    kept: bool = True
    needed: bool = False
    asked: tuple[Id, ...] = ()


def erase_texts(
    organisation: Organisation, actor: str, act: EraseText, texts: tuple[Written, ...], day: date
) -> TextsErased | ErasureAsked | AttemptRefused:
    """What comes of it that `actor` wants these texts erased; `texts` stand in the order of the act's facts."""
    if reason := _why_not(organisation, actor, texts, day):
        return refused(act, reason)
    if all(_settled(organisation, actor, text, day) for text in texts):
        return TextsErased(facts=act.facts, basis=act.basis)
    return ErasureAsked(facts=act.facts, basis=act.basis)


def erase_document(
    organisation: Organisation, actor: str, act: EraseDocument, filed: tuple[Written, ...], day: date
) -> DocumentErased | ErasureAsked | AttemptRefused:
    """As `erase_texts`, of a document that was filed these times; not while an open step rests on it."""
    if not filed:
        return refused(act, Refusal.NOTHING_TO_ERASE)
    if reason := _why_not(organisation, actor, filed, day):
        return refused(act, reason)
    if all(_settled(organisation, actor, one, day) for one in filed):
        return DocumentErased(document=act.document, basis=act.basis)
    return ErasureAsked(document=act.document, basis=act.basis)


def erase_person(
    organisation: Organisation, schedule: Schedule, actor: str, act: ErasePerson, known: bool, day: date
) -> PersonErased | AttemptRefused:
    """May `actor` have the person's name erased? Whoever decides for the controller, once the person is gone.

    `known` says whether the directory has the name still. At the person's request, or when it was never to be
    there, at once; only because the person left, not before the shortest time that names are kept.
    """
    if not decides(organisation, actor, day):
        return refused(act, Refusal.NOT_ELIGIBLE)
    if not known:
        return refused(act, Refusal.NOTHING_TO_ERASE)
    since = gone_since(organisation, act.person, day)
    if act.person in organisation.people() and since is None:
        return refused(act, Refusal.STILL_NEEDED)
    rule = schedule.rule("person")
    shortest = Schedule(rules=tuple(
        r if r.records != "person" else rule.model_copy(update={"days": rule.least}) for r in schedule.rules
    ))  # fmt: skip
    if act.basis == "left" and (since is None or not due(shortest, "person", since, day)):
        return refused(act, Refusal.KEPT_TOO_SHORT)
    return PersonErased(person=act.person, basis=act.basis)


def may_agree(organisation: Organisation, person: str, text: Written, day: date) -> bool:
    """Whether the person's word is the one beside the controller's.

    Of what was written for the employer, or by somebody who is here no more, it is an elected representative's;
    else it is the author's own.
    """
    gone = text.author not in organisation.people() or organisation.has_left(text.author, day)
    if gone or text.role in EMPLOYER_SIDE or decides(organisation, text.author, day):
        return elected(organisation, person, day)
    return person == text.author


def _why_not(organisation: Organisation, actor: str, texts: tuple[Written, ...], day: date) -> Refusal | None:
    if organisation.has_left(actor, day):
        return Refusal.NOT_ELIGIBLE
    for text in texts:
        if not (decides(organisation, actor, day) or may_agree(organisation, actor, text, day)):
            return Refusal.NOT_ELIGIBLE
        if not text.kept:
            return Refusal.NOTHING_TO_ERASE
        if text.needed:
            return Refusal.STILL_NEEDED
        if actor in text.asked:
            return Refusal.ALREADY_DECIDED
    return None


def _settled(organisation: Organisation, actor: str, text: Written, day: date) -> bool:
    """Whether with the actor's word both have spoken. They are two people."""
    words = {*text.asked, actor}
    return any(
        decides(organisation, one, day) and may_agree(organisation, other, text, day)
        for one in words
        for other in words - {one}
    )
