"""`forsvarlig ledger`: anchors are made, given away, and held against the ledger; witnesses watch that it grows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.ledger.heads import read_anchor, read_fingerprint
from activities.ledger.witness import read_request
from activities.signatures import SigningKey
from tests.activities.sawmill import EMPLOYER
from tests.activities.tsa import answer, party, serving
from tests.store.made import without_triggers
from tests.worker.desk import Desk, Said, copied

NAME = "fagforbund.example/hms"
ROOT = party("Rot")
STAMPER = party("Tidsstempel", ROOT)
NOON = datetime(2027, 3, 10, 11, tzinfo=UTC)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A place that is not the database's."""
    folder = tmp_path / "ute"
    folder.mkdir()
    return folder


def pinned(desk: Desk, outside: Path) -> Path:
    said = desk("ledger", "pin", "--to", str(outside), "--format", "json")
    assert said.code == 0, said.err
    return Path(said.document["file"])


def rewrite(desk: Desk, *statements: str) -> None:
    without_triggers(f"sqlite:///{desk.state / 'forsvarlig.db'}", *statements)


# --- receipts -------------------------------------------------------------------------------------


def test_every_receipt_has_a_fingerprint_that_is_to_be_kept(desk: Desk, tmp_path: Path) -> None:
    paper = tmp_path / "referat.txt"
    paper.write_text("Møtereferat", encoding="utf-8")
    moved = desk("step", "move", "sagbruk", "Y10", "--as", "kari", "--to", "2027-04-15", "--comment", "Syk.")
    filed = desk("step", "submit", "sagbruk", "Y10", str(paper), "--as", "kari")
    desk.go()
    decided = desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--comment", "For sent.")
    desk.go()
    answered = desk("answer", "sagbruk", "Y10", "--as", "kari", "--comment", "Vi retter det.")
    for said in (filed, decided, answered, moved):
        assert said.code == 0, said.err
        printed = said.line.partition("Avtrykk: ")[2].partition(" ")[0]
        assert "– ta vare på det" in said.line
        assert desk("ledger", "check", printed).code == 0


def test_a_receipt_for_a_program_has_it_too(desk: Desk) -> None:
    desk.file()
    said = desk("decide", "sagbruk", "Y10", "--as", "per", "--outcome", "enig", "--format", "json")
    assert read_fingerprint(said.document["fingerprint"]).size == said.document["seq"]


# --- pin and check --------------------------------------------------------------------------------


def test_a_pin_is_written_with_what_to_do_with_it(desk: Desk, outside: Path) -> None:
    said = desk("ledger", "pin", "--to", str(outside))
    assert said.code == 0, said.err
    [file] = outside.iterdir()
    anchor = read_anchor(file.read_bytes())
    assert file.name == f"{EMPLOYER}-{anchor.checkpoint.size}.anchor"
    assert anchor.checkpoint.fingerprint in said.out
    assert "send filen til verneombudet" in said.line
    assert desk("ledger", "check", str(file)).code == 0


def test_a_pin_is_never_written_over_another(desk: Desk, outside: Path) -> None:
    place = outside / "anker.txt"
    assert desk("ledger", "pin", "--to", str(place)).code == 0
    before = place.read_bytes()
    assert desk("ledger", "pin", "--to", str(place)).code == 0
    desk.file()
    said = desk("ledger", "pin", "--to", str(place))
    assert said.code == 4
    assert place.read_bytes() == before


def test_the_folder_of_the_settings_is_taken_when_no_other_is_named(
    desk: Desk, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORSVARLIG_ANCHOR_DIRECTORY", str(outside))
    assert desk("ledger", "pin").code == 0
    assert [file.suffix for file in outside.iterdir()] == [".anchor"]


def test_a_changed_ledger_does_not_fit_its_anchors_and_that_ends_with_1(desk: Desk, outside: Path) -> None:
    file = pinned(desk, outside)
    rewrite(
        desk, "UPDATE ledger_leaf SET body = CAST(replace(body, 'system', 'toppen') AS BLOB) WHERE seq = 9"
    )
    said = desk("ledger", "check", str(file))
    assert said.code == 1
    assert "ENDRET" in said.out
    assert "forsvarlig db verify" in said.err
    printed = read_anchor(file.read_bytes()).checkpoint.fingerprint
    assert "ENDRET" in desk("ledger", "check", printed).out


def test_a_shortened_ledger_is_said_to_be_shorter(desk: Desk, outside: Path) -> None:
    file = pinned(desk, outside)
    rewrite(desk, "DELETE FROM ledger_leaf WHERE seq > 20")
    said = desk("ledger", "check", str(file), "--format", "json")
    assert said.code == 1
    assert [each["verdict"] for each in said.document["anchors"]] == ["shorter"]
    assert said.document["ok"] is False


def test_two_anchors_that_contradict_each_other_are_called_two_histories(
    desk: Desk, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk("ledger", "checkpoint")
    copy = Desk(copied(desk.state, tmp_path / "kopi"), monkeypatch)
    files = []
    for each, text in ((desk, "den ene"), (copy, "den andre")):
        monkeypatch.setattr("worker.cli.clock.now", lambda: desk.now)
        each.file(text)
        files.append(pinned(each, outside / text.split()[1]))
    said = desk("ledger", "check", *map(str, files))
    assert said.code == 1
    assert "TO HISTORIER" in said.out
    assert "ta vare på begge" in said.line


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("ingen-fil",), 7),
        (("545-AAAQ-EAYE-AUDA",), 7),
        (("--timestamps",), 2),
        (("stempel.tsr",), 2),
        (("545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT", "--witness", "x"), 7),
        (("545-AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT", "--employer", "annen"), 3),
    ],
)
def test_what_cannot_be_checked_is_said(desk: Desk, arguments: tuple[str, ...], code: int) -> None:
    said = desk("ledger", "check", *arguments)
    assert said.code == code
    assert said.err


def test_a_damaged_anchor_is_not_taken_for_one(desk: Desk, outside: Path) -> None:
    file = pinned(desk, outside)
    file.write_text(file.read_text(encoding="utf-8").replace("time 2027", "time 2028"), encoding="utf-8")
    said = desk("ledger", "check", str(file))
    assert (said.code, "ikke et anker" in said.err) == (7, True)
    file.write_text("hemmelig: 1234\n", encoding="utf-8")
    said = desk("ledger", "check", str(file))
    assert (said.code, "hemmelig" in said.err) == (7, False)
    file.write_bytes(bytes(2_000_000))
    assert desk("ledger", "check", str(file)).code == 7


# --- status ---------------------------------------------------------------------------------------


def status(desk: Desk) -> Said:
    return desk("ledger", "status", "--format", "json")


def test_status_is_late_a_day_after_something_was_recorded_and_is_in_no_anchor(
    desk: Desk, outside: Path
) -> None:
    assert status(desk).code == 1
    pinned(desk, outside)
    assert status(desk).code == 0
    desk.now += timedelta(days=300)
    assert status(desk).code == 0
    desk.file()
    assert status(desk).code == 0
    desk.now += timedelta(days=1, minutes=5)
    late = status(desk)
    assert (late.code, late.document["late"]) == (1, True)
    [ledger] = late.document["employers"]
    assert ledger["unanchored"] > 0
    assert ledger["anchors"].keys() == {"pin"}
    assert "forsvarlig ledger pin" in desk("ledger", "status").line


def test_doctor_says_the_same(desk: Desk, outside: Path) -> None:
    def found() -> dict[str, str]:
        findings = desk("doctor", "--format", "json").document["findings"]
        return {each["check"]: each["status"] for each in findings}

    assert found()["anchors"] == "warning"
    pinned(desk, outside)
    assert (found()["anchors"], found()["log_key"]) == ("ok", "ok")
    (desk.state / "keys" / "log.pem").chmod(0o644)
    assert found()["log_key"] == "error"


# --- keys -----------------------------------------------------------------------------------------


def test_a_checkpoint_is_made_once(desk: Desk) -> None:
    first = desk("ledger", "checkpoint", "--format", "json").document["checkpoints"]
    again = desk("ledger", "checkpoint", "--format", "json").document["checkpoints"]
    assert [each["new"] for each in (*first, *again)] == [True, False]
    assert first[0]["note"] == again[0]["note"]


def test_a_changed_key_is_recorded_and_the_old_one_kept(desk: Desk, outside: Path) -> None:
    file = pinned(desk, outside)
    place = desk.state / "keys" / "log.pem"
    old = SigningKey.load(place).id
    said = desk("ledger", "rotate-key")
    assert said.code == 0, said.err
    assert SigningKey.load(place.with_name(f"log-{old}.pem")).id == old
    assert [fact.kind for _, fact in desk.facts("log_key_enrolled")] == ["log_key_enrolled"] * 2
    assert desk("ledger", "check", str(file), str(pinned(desk, outside))).code == 0


def test_a_key_that_is_gone_must_be_said_to_be_lost(desk: Desk) -> None:
    desk("ledger", "checkpoint")
    (desk.state / "keys" / "log.pem").unlink()
    desk.file()
    said = desk("ledger", "checkpoint")
    assert (said.code, "rotate-key --lost" in said.err) == (4, True)
    assert desk("ledger", "rotate-key").code == 4
    lost = desk("ledger", "rotate-key", "--lost")
    assert lost.code == 0, lost.err
    assert "Ingen gammel nøkkel har signert" in lost.line
    assert desk("ledger", "checkpoint").code == 0
    assert desk("ledger", "rotate-key", "--lost").code == 4


# --- witnesses ------------------------------------------------------------------------------------


class Witness:
    """Somebody with a key and a folder of their own, and no database."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk, self.folder = desk, folder

    def __call__(self, request: Path, *more: str) -> Said:
        return self._desk(
            "ledger", "witness", str(request), "--key", str(self.folder / "vitne.pem"), "--state",
            str(self.folder / "sett"), "--name", NAME, *more,
        )  # fmt: skip


@pytest.fixture
def witness(desk: Desk, tmp_path: Path) -> Witness:
    return Witness(desk, tmp_path / "vitne")


def request(desk: Desk, file: Path, since: int = 0) -> Path:
    said = desk("ledger", "request", str(file), "--since", str(since))
    assert said.code == 0, said.err
    return file


def test_a_witness_cosigns_and_the_anchor_carries_it(desk: Desk, outside: Path, witness: Witness) -> None:
    asked = request(desk, outside / "spor.txt")
    line = outside / "svar.txt"
    said = witness(asked, "--log-key", str(pinned(desk, outside)), "--out", str(line), "--format", "json")
    assert said.code == 0, said.err
    vkey = said.document["vkey"]
    assert line.read_text(encoding="utf-8") == said.document["line"]
    assert desk("ledger", "cosign", str(line), "--witness", vkey).code == 0
    desk.file()
    made = desk("ledger", "pin", "--cosigned", "--to", str(outside / "med"), "--format", "json").document
    assert made["witnesses"] == [NAME]
    checked = desk("ledger", "check", made["file"], "--witness", vkey)
    assert checked.code == 0
    assert f"medsignert av {NAME}" in checked.line
    alone = pinned(desk, outside)
    assert desk("ledger", "check", str(alone), "--witness", vkey).code == 1
    printed = desk("ledger", "check", printed_of(made["file"]), "--witness", vkey)
    assert (printed.code, "Et avtrykk er ikke medsignert av noen" in printed.line) == (1, True)


def printed_of(anchor: str) -> str:
    """The fingerprint that stands on receipts, of an anchor's file."""
    return read_anchor(Path(anchor).read_bytes()).checkpoint.fingerprint


def test_a_witness_follows_a_ledger_that_grows(desk: Desk, outside: Path, witness: Witness) -> None:
    first = request(desk, outside / "1.txt")
    key = str(pinned(desk, outside))
    assert witness(first, "--log-key", key).code == 0
    _asked, seen, _note = read_request(first.read_bytes())
    desk.file()
    stale = request(desk, outside / "2.txt")
    told = witness(stale)
    assert (told.code, f"--since {seen.size}" in told.err) == (4, True)
    assert witness(request(desk, outside / "3.txt", seen.size)).code == 0
    old = witness(first)
    assert (old.code, "har sett" in old.err) == (4, True)


def test_a_witness_of_one_history_does_not_cosign_another(
    desk: Desk, outside: Path, witness: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk("ledger", "checkpoint")
    copy = Desk(copied(desk.state, tmp_path / "kopi"), monkeypatch)
    monkeypatch.setattr("worker.cli.clock.now", lambda: desk.now)
    for each, text in ((desk, "den ene"), (copy, "den andre")):
        each.file(text)
    assert witness(request(desk, outside / "1.txt"), "--log-key", str(pinned(desk, outside))).code == 0
    said = witness(request(copy, outside / "2.txt"))
    assert said.code == 4
    assert "TO HISTORIER" in said.err
    [evidence] = (witness.folder / "sett").glob("*.fork-*")
    assert evidence.read_bytes() == (outside / "2.txt").read_bytes()


def test_an_unknown_log_is_cosigned_only_when_its_key_is_given(
    desk: Desk, outside: Path, witness: Witness
) -> None:
    asked = request(desk, outside / "spor.txt")
    said = witness(asked)
    assert (said.code, "--log-key" in said.err) == (3, True)
    assert not list((witness.folder / "sett").glob("*.anchor"))


def test_a_witness_needs_no_database(desk: Desk, outside: Path, witness: Witness) -> None:
    asked, key = request(desk, outside / "spor.txt"), str(pinned(desk, outside))
    (desk.state / "forsvarlig.db").unlink()
    assert witness(asked, "--log-key", key).code == 0


def test_a_witness_whose_memory_is_damaged_says_so_and_cosigns_nothing(
    desk: Desk, outside: Path, witness: Witness
) -> None:
    asked = request(desk, outside / "spor.txt")
    witness(asked, "--log-key", str(pinned(desk, outside)))
    [memory] = (witness.folder / "sett").glob("*.anchor")
    memory.write_text("ødelagt", encoding="utf-8")
    said = witness(asked)
    assert (said.code, "ødelagt" in said.err) == (7, True)


@pytest.mark.parametrize(
    "content", ["hei", "", "old 0\n\nhei\n", "— a b\n"], ids=["a word", "nothing", "no note", "no base64"]
)
def test_junk_is_no_request_and_no_cosignature(
    desk: Desk, outside: Path, witness: Witness, content: str
) -> None:
    file = outside / "rot.txt"
    file.write_text(content, encoding="utf-8")
    request(desk, outside / "spor.txt")
    said = witness(outside / "spor.txt", "--log-key", str(pinned(desk, outside)), "--format", "json")
    assert witness(file).code == 7
    assert desk("ledger", "cosign", str(file), "--witness", said.document["vkey"]).code in (4, 7)
    assert desk("ledger", "cosign", str(file), "--witness", "x").code == 7


def test_the_logs_own_key_is_no_witness(desk: Desk, outside: Path) -> None:
    file = pinned(desk, outside)
    vkey = str(read_anchor(file.read_bytes()).key)
    assert desk("ledger", "cosign", str(file), "--witness", vkey).code == 7


def test_more_than_there_is_cannot_have_been_seen(desk: Desk, outside: Path) -> None:
    assert desk("ledger", "request", str(outside / "x.txt"), "--since", "9999").code == 3
    assert desk("ledger", "pin", "--cosigned").code == 3


# --- time stamps ----------------------------------------------------------------------------------


def test_a_checkpoint_is_stamped_and_the_stamp_is_checked_without_the_authority(
    desk: Desk, outside: Path
) -> None:
    roots, wrong = outside / "rot.pem", outside / "annen.pem"
    roots.write_bytes(ROOT.pem)
    wrong.write_bytes(party("Annen").pem)
    with serving(lambda query: answer(query, STAMPER, NOON)) as url:
        said = desk("ledger", "timestamp", "--url", url, "--to", str(outside), "--format", "json")
    assert said.code == 0, said.err
    assert said.document["time"] == "2027-03-10T11:00:00Z"
    checked = desk("ledger", "check", "--timestamps", "--roots", str(roots))
    assert checked.code == 0, checked.err
    assert "10. mars 2027 kl. 12.00" in checked.line
    assert desk("ledger", "check", "--timestamps", "--roots", str(wrong)).code == 1
    [stamp] = outside.glob("*.tsr")
    assert desk("ledger", "check", str(stamp), "--roots", str(roots)).code == 0
    stamp.write_bytes(stamp.read_bytes()[:-1])
    cut = desk("ledger", "check", str(stamp), "--roots", str(roots))
    assert (cut.code, "er ikke et tidsstempel" in cut.err) == (7, True)


def test_a_stamp_of_something_else_is_said_to_be_that(
    desk: Desk, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = outside / "rot.pem"
    roots.write_bytes(ROOT.pem)
    copy = Desk(copied(desk.state, tmp_path / "kopi"), monkeypatch)
    with serving(lambda query: answer(query, STAMPER, NOON)) as url:
        copy("ledger", "timestamp", "--url", url, "--to", str(outside))
    [stamp] = outside.glob("*.tsr")
    said = desk("ledger", "check", str(stamp), "--roots", str(roots), "--format", "json")
    assert said.code == 1
    assert [each["size"] for each in said.document["timestamps"]] == [None]


def test_without_an_authority_the_setting_is_named_and_a_dead_one_is_said(desk: Desk) -> None:
    said = desk("ledger", "timestamp")
    assert (said.code, "FORSVARLIG_TIMESTAMP_URL" in said.err) == (2, True)
    dead = desk("ledger", "timestamp", "--url", "http://127.0.0.1:9/")
    assert (dead.code, "127.0.0.1" in dead.err) == (1, True)


def test_that_the_authority_of_the_settings_does_not_answer_is_told_by_status_and_doctor(
    desk: Desk, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> tuple[bool, dict[str, str]]:
        [ledger] = desk("ledger", "status", "--format", "json").document["employers"]
        findings = desk("doctor", "--format", "json").document["findings"]
        [finding] = [each for each in findings if each["check"] == "timestamps"]
        return ledger["timestamps"]["late"], finding

    pinned(desk, outside)
    assert desk("ledger", "status", "--format", "json").document["employers"][0]["timestamps"] is None
    with serving(lambda query: answer(query, STAMPER, NOON)) as url:
        monkeypatch.setenv("FORSVARLIG_TIMESTAMP_URL", url)
        late, finding = found()
        assert (late, finding["status"]) == (True, "warning")
        assert "127.0.0.1 har ikke stemplet det som er ført siden" in desk("ledger", "status").line
        assert "forsvarlig ledger timestamp" in finding["remedy"]
        assert desk("ledger", "timestamp").code == 0
        late, finding = found()
        assert (late, finding["status"]) == (False, "ok")
        assert "10. mars 2027" in finding["message"]


# --- the whole ledger in one file ------------------------------------------------------------------


def test_the_exported_ledger_has_texts_only_for_one_who_may_read_them(desk: Desk, outside: Path) -> None:
    desk.file()
    desk(
        "decide", "sagbruk", "Y10", "--as", "per", "--outcome", "uenig", "--comment", "Varselet kom for sent."
    )
    plain = desk("ledger", "export", str(outside / "uten.txt"), "--format", "json")
    assert plain.code == 0, plain.err
    assert plain.document["withheld"] == 1
    assert "Varselet" not in (outside / "uten.txt").read_text(encoding="utf-8")
    full = desk(
        "ledger", "export", str(outside / "med.txt"), "--texts", "all", "--as", "kari", "--format", "json"
    )
    assert full.code == 0, full.err
    assert full.document["withheld"] == 0
    assert "Varselet kom for sent." in (outside / "med.txt").read_text(encoding="utf-8")
    [(_seq, noted)] = desk.facts("texts_read")
    assert noted.actor == "kari"
    assert full.document["leaves"] == noted_and_covered(desk)


def noted_and_covered(desk: Desk) -> int:
    """How many facts there are; the newest checkpoint is over all of them."""
    [ledger] = status(desk).document["employers"]
    assert ledger["uncovered"] == 0
    return int(ledger["facts"])


@pytest.mark.parametrize(
    ("more", "code"),
    [(("--texts", "all"), 2), (("--as", "kari"), 2), (("--texts", "all", "--as", "ingen"), 3)],
)
def test_who_reads_must_be_said_and_known(
    desk: Desk, outside: Path, more: tuple[str, ...], code: int
) -> None:
    assert desk("ledger", "export", str(outside / "b.txt"), *more).code == code
    assert not (outside / "b.txt").exists()


def test_nothing_is_exported_over_a_file_and_nothing_half_is_left(desk: Desk, outside: Path) -> None:
    file = outside / "b.txt"
    assert desk("ledger", "export", str(file)).code == 0
    before = file.read_bytes()
    assert desk("ledger", "export", str(file)).code == 4
    assert file.read_bytes() == before
    rewrite(desk, "UPDATE ledger_checkpoint SET note = 'note'")
    for command in (("export", str(outside / "c.txt")), ("pin",), ("checkpoint",), ("status",)):
        said = desk("ledger", *command)
        assert (said.code, "forsvarlig db verify" in said.err) == (1, True)
    assert not (outside / "c.txt").exists()


# --- everything -----------------------------------------------------------------------------------


def test_what_is_said_to_programs_is_one_document(desk: Desk, outside: Path) -> None:
    for arguments in (("checkpoint",), ("status",), ("pin", "--to", str(outside)), ("rotate-key",)):
        said = desk("ledger", *arguments, "--format", "json")
        assert json.loads(said.out)["schema"] == f"forsvarlig/ledger-{arguments[0]}/1"


def test_there_is_nothing_to_anchor_without_an_employer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = Desk(tmp_path / "tom", monkeypatch)
    for arguments in (
        ("status",),
        ("checkpoint",),
        ("pin",),
        ("check", "1-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"),
    ):
        assert empty("ledger", *arguments).code == 3
