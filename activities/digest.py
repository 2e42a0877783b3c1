"""One mail with everything: a short section for each step or other matter, what waits for the reader first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from activities.gate_letters import NOTES
from activities.letter_parts import Matter, Piece, Voice
from activities.letters import Pen
from activities.mail import Section
from activities.personal_letters import Notice, PersonalPen
from activities.store.rows import PersonRow
from workflows.rules.events import Appointed, Escalated, Informed


class Digest(Voice):
    """Writes one letter to one person about several matters, in the order they came."""

    def __init__(
        self, topics: Sequence[Matter | Notice], people: Mapping[str, PersonRow], person: PersonRow
    ) -> None:
        super().__init__(people, person)
        self._topics = topics

    def letter(self) -> tuple[str, list[Section]]:
        """Subject and sections. New responsibility comes first, then what is asked by when it is due."""
        _ = self.t
        pieces = self._pieces()
        waiting = [piece for piece in pieces if piece.asks]
        days = [piece.due for piece in waiting if piece.due is not None]
        if waiting and len(pieces) == 1:
            subject = waiting[0].subject
        elif waiting:
            subject = self._counted(len(waiting), min(days))
        elif len(pieces) == 1:
            subject = pieces[0].subject
        else:
            subject = self.t.ngettext(
                "{count} beskjed om arbeidsmiljøet", "{count} beskjeder om arbeidsmiljøet", len(pieces)
            ).format(count=len(pieces))
        sections = [Section(text=(self._opening(len(waiting)),))]
        for number, piece in enumerate(pieces, 1):
            heading = f"{number}. {piece.heading}" if len(pieces) > 1 else piece.heading
            sections.append(
                Section(heading=heading, text=piece.text, items=piece.items, commands=piece.commands)
            )
        if waiting:
            see = f"forsvarlig inbox --as {self.person.id}"
            never = _("Ingenting blir regnet som gjort, godkjent eller avvist fordi en frist går ut.")
            sections.append(Section(text=(never,), commands=((_("Se alt som venter på deg"), see),)))
        return subject, [*sections, *self._contact()]

    def _counted(self, waiting: int, first: date) -> str:
        if first < self._today:
            text = self.t.ngettext(
                "{count} sak venter på deg, fristen var {day}",
                "{count} saker venter på deg, den eldste fristen var {day}",
                waiting,
            )
        else:
            text = self.t.ngettext(
                "{count} sak venter på deg, frist {day}",
                "{count} saker venter på deg, første frist {day}",
                waiting,
            )
        return text.format(count=waiting, day=self._short(first))

    @property
    def _today(self) -> date:
        return max((t.day for t in self._topics if isinstance(t, Matter)), default=date.min)

    def _opening(self, waiting: int) -> str:
        _ = self.t
        often = _("Du får høyst én e-post om dagen; denne samler det som er kommet.")
        if waiting:
            return often
        return " ".join([often, _("Du trenger ikke gjøre noe.")])

    def _pieces(self) -> list[Piece]:
        """One for each step, and one for each matter of no step."""
        by_step: dict[tuple[str, str], list[Matter]] = {}
        first: list[Piece] = []
        other: list[Piece] = []
        for topic in self._topics:
            if isinstance(topic, Matter):
                by_step.setdefault((topic.step.cycle.id, topic.step.key), []).append(topic)
                continue
            piece = PersonalPen(topic, self.people, self.person).piece()
            (first if isinstance(topic.fact.body, Appointed) else other).append(piece)
        steps = [self._step(matters) for matters in by_step.values()]
        asked = sorted((p for p in steps if p.asks), key=lambda p: p.due or date.max)
        return [*first, *asked, *(p for p in steps if not p.asks), *other]

    def _step(self, matters: Sequence[Matter]) -> Piece:
        """All that is told of one step, as it stands now."""
        _ = self.t
        pen = Pen(matters[-1], self.people, self.person)
        notes = [
            Pen(matter, self.people, self.person).note(matter.fact.body)
            for matter in matters
            if isinstance(matter.fact.body, NOTES)
        ]
        asking = [m for m in matters if not isinstance(m.fact.body, (*NOTES, Informed))]
        asks = list(pen.waited_for()) if asking else []
        lines = [line for note in notes for line in note.text]
        lines += [pen.what_is_asked(ask) for ask in asks]
        escalated = [m.fact.body for m in matters if isinstance(m.fact.body, Escalated)]
        if asks and not escalated:
            lines += self._by_when(pen, [pen.due(ask) for ask in asks])
        if asking and pen.m.reopened is not None:
            lines.append(pen.why_reopened(pen.m.reopened))
        if escalated:
            both = {
                "deviation": any(body.deviation for body in escalated),
                "wec_item": any(body.wec_item for body in escalated),
            }
            lines += pen.overdue(escalated[-1].model_copy(update=both))
            lines += pen.awaited() if not asks else ()
        if any(isinstance(m.fact.body, Informed) for m in matters):
            lines += pen.done()
        commands = [command for ask in asks for command in pen.commands(ask)]
        heading = _("{step} – {unit}").format(step=pen.step, unit=pen.unit)
        subject = notes[0].subject if len(notes) == len(matters) == 1 else heading
        if asks:
            subject = pen.asking(asks)
        due = min((pen.due(ask) for ask in asks), default=None)
        return Piece(subject, heading, tuple(lines), (), (*commands, pen.look()), len(asks), due)

    def _by_when(self, pen: Pen, days: Sequence[date]) -> Iterator[str]:
        _ = self.t
        for day in sorted(set(days)):
            text = _("Fristen var {day}.") if pen.m.day > day else _("Frist: {day}.")
            yield text.format(day=self._long(day))

    def _contact(self) -> Iterator[Section]:
        for topic in self._topics:
            if isinstance(topic, Matter):
                found = list(Pen(topic, self.people, self.person).contact())
            else:
                found = list(PersonalPen(topic, self.people, self.person).contact())
            if found:
                yield from found
                return
