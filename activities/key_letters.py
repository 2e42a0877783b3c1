"""What is told of people's own keys: that one counts, or counts no longer, who did it, and what to do about it."""

from __future__ import annotations

from activities.language import format_moment
from activities.letter_parts import Piece, Voice
from activities.words import REVOKED
from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked
from workflows.rules.events import Fact


class KeyVoice(Voice):
    """Tells one person, whose key it is or who looks after that nobody takes another's place."""

    def _enrolled(self, body: KeyEnrolled, fact: Fact, employer: str) -> Piece:
        _ = self.t
        told = self._by_whom(fact)
        if body.person is not None and body.person != self.person.id:
            name = self._name(body.person)
            subject = _("{name} har fått en ny nøkkel").format(name=name)
            first = _("Fra nå av kan denne nøkkelen signere for {name} hos {employer}. Fingeravtrykk: {key}.")
            return Piece(subject, subject, (
                first.format(name=name, employer=employer, key=body.key),
                told,
                _(
                    "Du får vite det fordi du er verneombud. Spør {name} om det er riktig. Er det ikke det, må "
                    "nøkkelen trekkes tilbake med en gang: det kan {name} selv, HR eller øverste leder gjøre."
                ).format(name=name),
            ), commands=(self._see("key_enrolled"),))  # fmt: skip
        subject = _("En nøkkel er registrert på deg")
        lines = (
            _(
                "Fra nå av kan denne nøkkelen signere i ditt navn hos {employer}. Fingeravtrykk: {key}."
            ).format(employer=employer, key=body.key),
            told,
            _("Er det du som har gjort det, trenger du ikke gjøre noe."),
            _(
                "Er det ikke deg, trekk nøkkelen tilbake med en gang. Det som er signert før det, blir stående."
            ),
        )
        revoke = f"forsvarlig key revoke {body.key} --as {self.person.id} --reason stolen"
        return Piece(subject, subject, lines, commands=((_("Trekk nøkkelen tilbake"), revoke),))

    def _revoked(self, body: KeyRevoked, fact: Fact, employer: str, holder: str | None) -> Piece:
        """`holder` is whose key it was; None where that is not known, and the reader is."""
        _ = self.t
        first = _(
            "Nøkkelen med fingeravtrykk {key} gjelder ikke lenger hos {employer}. Grunnen er at {reason}."
        ).format(key=body.key, employer=employer, reason=_(REVOKED[body.reason]))
        told = self._by_whom(fact)
        if holder is not None and holder != self.person.id:
            name = self._name(holder)
            subject = _("En nøkkel som sto på {name}, er trukket tilbake").format(name=name)
            return Piece(subject, subject, (
                first,
                told,
                _(
                    "Har {name} ingen annen nøkkel, kan den som driver installasjonen, heretter føre noe i navnet "
                    "til {name} uten at {name} signerer. Du får vite det fordi du er verneombud. Spør {name} om det "
                    "er riktig. Er det ikke det, be {name} registrere en ny nøkkel, og ta det opp med arbeidsgiver."
                ).format(name=name),
            ), commands=(self._see("key_revoked"),))  # fmt: skip
        subject = _("En nøkkel som sto på deg, er trukket tilbake")
        lines = [first, told, _("Det som er signert med den før, blir stående.")]
        if fact.actor == self.person.id:
            lines.append(_("Er det du som har gjort det, trenger du ikke gjøre noe."))
        lines.append(
            _(
                "Er det galt, registrer en ny nøkkel med en gang, og si fra til verneombudet. Har du ingen annen "
                "nøkkel, kan den som driver installasjonen, ellers føre noe i ditt navn uten at du signerer."
            )
        )
        new = f"forsvarlig key new --as {self.person.id}"
        return Piece(
            subject, subject, tuple(lines),
            commands=((_("Lag en ny nøkkel"), new), self._see("key_revoked")),
        )  # fmt: skip

    def _by_whom(self, fact: Fact) -> str:
        _ = self.t
        return _("Det ble gjort av {name}, {when}.").format(
            name=self._name(fact.actor), when=format_moment(fact.recorded, self.person.language)
        )

    def _see(self, kind: str) -> tuple[str, str]:
        _ = self.t
        return _("Se hva som er gjort"), f"forsvarlig history --kind {kind}"
