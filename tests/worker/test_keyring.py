"""Keys are made by themselves, agreed on by every process, and never lost to one another."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from worker.keyring import OTHERS, KeyFault, Keyring


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_first_key_of_an_employer_is_made_when_it_is_asked_for(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys" / "payload")
    assert ring.employers() == []
    key = ring.current("fjell")
    assert (key.number, len(key.secret)) == (1, 32)
    assert ring.current("fjell") == key == Keyring(ring.folder).find("fjell", key.id)
    assert files(ring.folder) == ["fjell/0001.key"]


def test_employers_have_different_keys_and_neither_finds_the_others(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    one, other = ring.current("fjell"), ring.current("nordfjord")
    assert one.secret != other.secret
    assert ring.find("nordfjord", one.id) is None


def test_only_the_owner_may_read_a_key(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "payload")
    ring.current("fjell")
    assert stat.S_IMODE((ring.folder / "fjell" / "0001.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((ring.folder / "fjell").stat().st_mode) == 0o700


def test_the_secret_is_in_no_text_made_of_a_key(tmp_path: Path) -> None:
    key = Keyring(tmp_path).current("fjell")
    assert repr(key.secret) not in repr(key)
    assert key.secret.hex()[:8] not in repr(key)


def test_many_processes_that_begin_at_once_agree_on_one_key(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from worker.keyring import Keyring; " + (
        "sys.stdin.read(); print(Keyring(Path(sys.argv[1])).current('fjell').id)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 6
    assert len(said) == 1
    assert files(tmp_path) == ["fjell/0001.key"]


def test_after_a_rotation_every_process_writes_with_the_new_key_and_reads_with_both(tmp_path: Path) -> None:
    ours, theirs = Keyring(tmp_path), Keyring(tmp_path)
    old = theirs.current("fjell")
    new = ours.rotate("fjell")
    assert (old.number, new.number) == (1, 2)
    assert theirs.current("fjell") == ours.current("fjell") == new
    assert theirs.find("fjell", old.id) == old
    assert [key.id for key in ours.keys("fjell")] == [old.id, new.id]


def test_a_rotation_right_after_another_one_is_seen_too(tmp_path: Path) -> None:
    ours, theirs = Keyring(tmp_path), Keyring(tmp_path)
    for number in range(1, 8):
        assert ours.rotate("fjell").number == number
        assert theirs.current("fjell").number == number


@pytest.mark.parametrize("name", ["", "..", "../../etc", "a/b", "Fjell", "ÅS", "x" * 64, "nul\0", "_"])
def test_the_id_of_a_workflow_leads_nowhere_outside_the_folder(tmp_path: Path, name: str) -> None:
    ring = Keyring(tmp_path / "payload")
    ring.current(name)
    assert files(tmp_path) == [f"payload/{OTHERS}/0001.key"]


@pytest.mark.parametrize("damage", [b"", b"half", b"\xff" * 64, b"0" * 63, b"0" * 65, b"0" * 64 + b"\n\n"])
def test_a_damaged_key_is_told_of_and_the_employer_gets_another_one(tmp_path: Path, damage: bytes) -> None:
    ring = Keyring(tmp_path)
    lost, file = ring.current("fjell"), tmp_path / "fjell" / "0001.key"
    file.write_bytes(damage)
    fresh = Keyring(tmp_path)
    assert list(fresh.faults()) == [KeyFault(file, "corrupt")]
    assert fresh.find("fjell", lost.id) is None
    assert fresh.current("fjell").number == 2


def test_a_key_that_is_gone_is_told_of_when_a_later_one_is_there(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    ring.current("fjell")
    ring.rotate("fjell")
    (tmp_path / "fjell" / "0001.key").unlink()
    assert list(ring.faults()) == [KeyFault(tmp_path / "fjell" / "0001.key", "missing")]


def test_a_key_that_others_can_read_is_told_of(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    ring.current("fjell")
    assert list(ring.faults()) == []
    file = tmp_path / "fjell" / "0001.key"
    file.chmod(0o644)
    assert list(ring.faults()) == [KeyFault(file, "open_to_others")]


def test_what_else_lies_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    ring.current("fjell")
    for name in ("README", "0001.key.bak", "1.key", "last.key"):
        (tmp_path / "fjell" / name).write_text("not a key")
    assert Keyring(tmp_path).current("fjell") == ring.current("fjell")
    assert list(ring.faults()) == []


def test_a_folder_where_nothing_can_be_written_is_an_error_and_no_key_is_thought_up(tmp_path: Path) -> None:
    (tmp_path / "payload").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="payload"):
        Keyring(tmp_path / "payload").current("fjell")
    assert Keyring(tmp_path / "payload").find("fjell", "0001-abc") is None


async def test_keys_that_are_asked_for_in_threads_at_once_are_one(tmp_path: Path) -> None:
    rings = [Keyring(tmp_path) for _ in range(8)]
    keys = await asyncio.gather(*(asyncio.to_thread(ring.current, "fjell") for ring in rings))
    assert len({key.id for key in keys}) == 1
    assert files(tmp_path) == ["fjell/0001.key"]
