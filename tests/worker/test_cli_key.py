"""`forsvarlig key`: an own key is made, enrolled, used, shown and revoked, and nobody speaks for who has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.signatures import SigningKey
from tests.worker.desk import Desk, Said
from workflows.rules.authority_facts import KeyEnrolled, KeyRevoked
from workflows.rules.events import AttemptRefused, DecisionRecorded
from workflows.rules.terms import Refusal


def usual(desk: Desk, person: str) -> Path:
    return desk.state / "config" / "forsvarlig" / "keys" / f"nordfjord-sag-{person}.pem"


def refused(desk: Desk) -> Refusal:
    _seq, fact = desk.facts("attempt_refused")[-1]
    assert isinstance(fact.body, AttemptRefused)
    return fact.body.reason


def agrees(desk: Desk, *more: str) -> Said:
    return desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", *more)


def test_a_new_key_is_made_for_its_owner_alone_and_counts_from_now(desk: Desk) -> None:
    said = desk("key", "new", "--as", "Per Hansen")
    assert said.code == 0, said.err
    key = SigningKey.load(usual(desk, "per"))
    [(seq, fact)] = [(s, f) for s, f in desk.facts("key_enrolled") if f.actor == "per"]
    assert fact.body == KeyEnrolled(key=key.id, public_key=key.public_key, person="per")
    assert f"Nøkkelen {key.id} gjelder fra nå av for Per Hansen. Ført som nr. {seq}" in said.line
    assert f"Avtrykk: {seq}-" in said.line
    assert f"forsvarlig key revoke {key.id} --as NAVN --reason lost" in said.line
    assert usual(desk, "per").stat().st_mode & 0o777 == 0o600


def test_with_a_key_in_its_place_every_act_is_signed_with_it(desk: Desk) -> None:
    desk("key", "new", "--as", "per")
    desk.file()
    assert agrees(desk).code == 0
    [(_seq, fact)] = desk.facts("decision_recorded")
    assert fact.signed is not None
    assert fact.signed.key == SigningKey.load(usual(desk, "per")).id


def test_the_desk_cannot_speak_for_one_whose_key_is_elsewhere(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "minnepinne.pem"
    desk("key", "new", "--as", "per", "--file", str(elsewhere))
    desk.file()
    said = agrees(desk)
    assert (said.code, refused(desk)) == (4, Refusal.OWN_KEY_REQUIRED)
    assert "--key" in said.err
    assert agrees(desk, "--key", str(elsewhere)).code == 0


def test_somebody_elses_key_is_refused(desk: Desk) -> None:
    desk("key", "new", "--as", "kari")
    desk.file()
    assert agrees(desk, "--key", str(usual(desk, "kari"))).code == 4
    assert refused(desk) is Refusal.WRONG_PERSON
    assert not desk.facts("decision_recorded")


def test_a_further_key_is_signed_with_the_one_that_is_there(desk: Desk, tmp_path: Path) -> None:
    desk("key", "new", "--as", "per")
    first = SigningKey.load(usual(desk, "per"))
    said = desk("key", "new", "--as", "per", "--file", str(tmp_path / "to.pem"))
    assert said.code == 0, said.err
    _seq, fact = desk.facts("key_enrolled")[-1]
    assert fact.signed is not None
    assert fact.signed.key == first.id


def test_a_key_is_not_made_twice_in_one_place(desk: Desk) -> None:
    desk("key", "new", "--as", "per")
    said = desk("key", "new", "--as", "per")
    assert said.code == 4
    assert "--file" in said.err
    assert len([f for _s, f in desk.facts("key_enrolled") if f.actor == "per"]) == 1


def test_a_key_that_was_made_but_not_enrolled_is_enrolled_the_next_time(desk: Desk) -> None:
    made = SigningKey.new()
    made.save(usual(desk, "per"))
    assert desk("key", "new", "--as", "per", "--format", "json").document["key"] == made.id


def test_a_key_is_made_without_a_database_and_enrolled_where_there_is_one(desk: Desk, tmp_path: Path) -> None:
    place = tmp_path / "alene.pem"
    offline = desk("key", "new", "--offline", "--file", str(place), "--state", str(tmp_path / "ingen"))
    assert offline.code == 0, offline.err
    public = SigningKey.load(place).public_key
    assert offline.out.startswith(public)
    assert not (tmp_path / "ingen").exists()
    assert desk("key", "enrol", public, "--as", "per").code == 0
    desk.file()
    assert agrees(desk, "--key", str(place)).code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("new",), 2),
        (("new", "--offline"), 2),
        (("new", "--offline", "--as", "per", "--file", "x.pem"), 2),
        (("new", "--as", "ukjent"), 3),
        (("enrol", "AAAA", "--as", "per"), 2),
        (("enrol", "!" * 44, "--as", "per"), 7),
        (("enrol", "A" * 44, "--as", "per"), 4),
        (("revoke", "0123456789abcdef", "--as", "per", "--reason", "lost"), 3),
        (("revoke", "0123456789abcdef", "--as", "per", "--reason", "borte"), 2),
        (("list", "--person", "ukjent"), 3),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(
    desk: Desk, arguments: tuple[str, ...], code: int
) -> None:
    said = desk("key", *arguments)
    assert said.code == code
    assert "Gjør dette: " in said.err
    assert not [f for _s, f in desk.facts("key_enrolled") if f.actor == "per"]


def test_who_has_lost_the_key_has_it_revoked_by_hr_and_starts_afresh(desk: Desk) -> None:
    desk("key", "new", "--as", "per")
    key = SigningKey.load(usual(desk, "per"))
    usual(desk, "per").unlink()
    lost = desk("key", "revoke", key.id, "--as", "per", "--reason", "lost")
    assert (lost.code, refused(desk)) == (4, Refusal.OWN_KEY_REQUIRED)
    assert "be HR eller øverste leder" in " ".join(lost.err.split())
    said = desk("key", "revoke", key.id.upper(), "--as", "hanne", "--reason", "lost")
    assert said.code == 0, said.err
    assert "(den er mistet)" in said.out
    [(_seq, fact)] = desk.facts("key_revoked")
    assert fact.body == KeyRevoked(key=key.id, reason="lost")
    assert desk("key", "new", "--as", "per").code == 0
    desk.file()
    assert agrees(desk).code == 0


def test_a_manager_does_not_revoke_the_safety_reps_key(desk: Desk) -> None:
    desk("key", "new", "--as", "per")
    key = SigningKey.load(usual(desk, "per"))
    assert desk("key", "revoke", key.id, "--as", "kari", "--reason", "left").code == 4
    assert not desk.facts("key_revoked")


def test_what_a_key_signed_before_it_was_revoked_still_holds(desk: Desk) -> None:
    desk("key", "new", "--as", "per")
    desk.file()
    agrees(desk)
    key = SigningKey.load(usual(desk, "per"))
    assert desk("key", "revoke", key.id, "--as", "per", "--reason", "replaced").code == 0
    said = desk("step", "show", "sagbruk", "Y10")
    assert f"signert med egen nøkkel {key.id}; gjennom kommandolinjen; signaturen stemmer" in said.line
    assert desk("proof", "sagbruk", "Y10").code == 0


def test_an_act_with_a_revoked_key_is_refused(desk: Desk) -> None:
    desk("key", "new", "--as", "per")
    key = SigningKey.load(usual(desk, "per"))
    desk("key", "revoke", key.id, "--as", "per", "--reason", "stolen")
    desk.file()
    assert agrees(desk).code == 4
    assert refused(desk) is Refusal.REVOKED_KEY
    assert desk("key", "new", "--as", "per").code == 4


def test_the_keys_are_listed_with_whose_they_are_since_when_and_until_when(desk: Desk) -> None:
    assert "Ingen nøkler" in desk("key", "list").out
    desk("key", "new", "--as", "per")
    key = SigningKey.load(usual(desk, "per"))
    installation = SigningKey.load(desk.state / "keys" / "installation.pem")
    desk("key", "revoke", key.id, "--as", "per", "--reason", "stolen")
    said = desk("key", "list")
    assert f"{installation.id} denne installasjonen, fra" in said.line
    assert f"{key.id} Per Hansen, fra" in said.line
    assert "den kan være på avveie" in said.line
    [only] = desk("key", "list", "--person", "per", "--format", "json").document["keys"]
    assert (only["key"], only["person"], only["reason"]) == (key.id, "per", "stolen")


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [(0o644, None, "chmod 600"), (0o600, b"skadet", "sikkerhetskopien")],
)
def test_a_key_file_that_cannot_be_used_is_told_with_what_to_do_and_nothing_is_recorded(
    desk: Desk, mode: int, content: bytes | None, words: str
) -> None:
    desk("key", "new", "--as", "per")
    desk.file()
    if content is not None:
        usual(desk, "per").write_bytes(content)
    usual(desk, "per").chmod(mode)
    said = agrees(desk)
    assert said.code == 7
    assert words in said.err
    assert not desk.facts("attempt_refused")


def test_the_installations_key_that_others_can_read_is_not_used(desk: Desk) -> None:
    desk.file()
    (desk.state / "keys" / "installation.pem").chmod(0o644)
    said = agrees(desk)
    assert said.code == 7
    assert "chmod 600" in said.err
    findings = desk("doctor", "--format", "json").document["findings"]
    [finding] = [f for f in findings if f["check"] == "signing_key"]
    assert finding["status"] == "error"
    assert finding["remedy"].startswith("chmod 600")


def test_without_an_own_key_it_is_told_that_this_machine_said_so(desk: Desk) -> None:
    desk.file()
    agrees(desk)
    [(_seq, fact)] = desk.facts("decision_recorded")
    assert isinstance(fact.body, DecisionRecorded)
    said = desk("history", "--step", "Y10", "--kind", "decision_recorded")
    assert "ført på denne maskinen, uten egen nøkkel; gjennom kommandolinjen" in said.line
