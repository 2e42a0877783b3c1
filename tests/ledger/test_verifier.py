"""The verifier by itself: what it is, what it says, and what it makes of the anchors that it is given."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from activities.ledger import heads, notes, verify
from activities.ledger.log import canonical
from activities.proof import _SAME
from activities.signatures import SigningKey
from tests.ledger.bundles import (
    ORIGIN,
    START,
    Ledger,
    beginning,
    busy,
    checked,
    cosignature_line,
    private,
    signature_line,
    small_year,
    verified,
    vkey,
)
from workflows.rules.events import AttemptRefused
from workflows.rules.record_facts import ErasureAsked
from workflows.rules.terms import Refusal

VERIFIER = Path(verify.__file__)
MOST_LINES = 200
"""Whoever trusts nobody reads it first."""
UNION = "union.example/forsvarlig"


@pytest.fixture
def ledger() -> Ledger:
    return small_year()


# --- what it is -----------------------------------------------------------------------------------


def test_it_is_one_short_file_of_the_standard_library() -> None:
    source = VERIFIER.read_text("utf-8")
    assert len(source.splitlines()) <= MOST_LINES
    for module in ("activities", "workflows", "cryptography", "pydantic", "socket", "urllib"):
        assert module not in source


def test_it_runs_alone_without_packages_network_or_environment(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(VERIFIER.read_bytes())
    (tmp_path / "bundle").write_bytes(ledger.bundle())
    (tmp_path / "anchor").write_text(ledger.anchor(), "utf-8")
    command = [sys._base_executable, "-I", "-S", "verify.py", "bundle", "anchor"]  # type: ignore[attr-defined]
    if shutil.which("unshare") and os.geteuid() == 0:
        command = ["unshare", "-n", *command]
    ran = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert "11 facts, 0 faults." in ran.stdout.decode()


def test_it_knows_every_act_that_the_product_has_people_sign() -> None:
    acts = {
        fact.model_fields["kind"].default: act.model_fields["act"].default for fact, (act, _) in _SAME.items()
    }
    own = ErasureAsked.model_fields["kind"].default, AttemptRefused.model_fields["kind"].default
    known = {kind: act.partition(":")[0] for kind, act in verify.ACT.items()}
    assert {kind: act for kind, act in known.items() if kind not in own} == acts


# --- what it says ---------------------------------------------------------------------------------


SAID = """11 facts, 0 faults.
PROVED
- 11 facts of 'forsvarlig/923609016/nordfjord-tre' signed at 2027-01-04T07:11:00Z: none changed, taken away or put in since
- 2 acts signed with own keys by 1 people; 5 by the installation
- texts: 1 as written, 0 not in this file
- the first 5 facts are those of anchor {five}
- the first 8 facts are those of anchor {eight}
NOT PROVED
- after fact 8 (newest anchor): that none was cut off or written anew (0 log keys lost)
- that nothing was left out: what was never recorded leaves no trace; nor that the clock was right (ran back: 0)
- that own keys were only their people's (0 were revoked by others); what only the installation signed, or none
"""  # noqa: E501 (as it is said)


def test_it_says_what_is_proved_and_what_is_not(ledger: Ledger) -> None:
    five, eight = ledger.fingerprint(5), ledger.fingerprint(8)
    assert verified(ledger.bundle(), five, eight) == (0, SAID.format(five=five, eight=eight))


def test_faults_stand_together_under_what_to_do_about_them_in_the_order_of_the_file() -> None:
    ledger = beginning()
    place = ledger.decide("per", "Uenig.")
    ledger.under[place] = ledger.under[place].replace(b"Uenig", b"Enig!")
    ledger.decide("vera")
    ledger.rewrite(lambda fact: fact.update(actor="kari"))
    ledger.add(ledger.fact(AttemptRefused(attempt="decision", reason=Refusal.NOT_ELIGIBLE), employer="annen"))
    found = checked(ledger)
    assert found.code == 1
    assert found.out.startswith("7 facts, 3 faults.\nPROVED, apart from the faults below\n- 7 facts of ")
    assert found.faults == (
        "\ntext of leaf 5 is not the one that was written\n"
        "leaf 7 is of another ledger\n"
        f"  -> {verify.COPY}\n"
        "FAULTS\n"
        "leaf 6 is signed with a key that does not count for its person here\n"
        f"  -> {verify.PERSON}\n"
    )


def test_what_others_wrote_is_shown_in_letters_that_every_screen_has() -> None:
    ledger = beginning()
    ledger.origin = "forsvarlig/923609016/nordfjord-tre\u202e\x1b[2J"
    found = verified(ledger.bundle())
    assert found.out.isascii()
    assert "\x1b" not in found.out


def test_the_notes_are_those_that_the_product_reads(ledger: Ledger) -> None:
    anchor = heads.read_anchor(ledger.anchor())
    assert (anchor.checkpoint.size, anchor.checkpoint.root) == (11, ledger.roots[11])
    assert str(anchor) == ledger.anchor()
    assert heads.fingerprint(11, ledger.roots[11]) == ledger.fingerprint(11)
    public = base64.b64encode(private("log 2").public_key().public_bytes_raw()).decode()
    assert str(notes.log_vkey(ORIGIN, public)) == vkey(ORIGIN, private("log 2"))


@pytest.mark.parametrize("lost", [True, False])
def test_a_new_log_key_whose_old_one_was_lost_is_counted_among_what_is_not_proved(lost: bool) -> None:
    ledger = beginning()
    ledger.enrol_log(private("new"), private("log"), lost=lost)
    found = checked(ledger)
    assert found.code == 0
    assert f"({int(lost)} log keys lost)" in found.out


def test_every_lost_log_key_is_counted() -> None:
    ledger = beginning()
    ledger.enrol_log(private("new"), private("log"), lost=True)
    ledger.enrol_log(private("newer"), private("new"), lost=True)
    assert "(2 log keys lost)" in checked(ledger).out


def revoked_by_themselves(ledger: Ledger) -> None:
    ledger.revoke("per")


def revoked_by_another(ledger: Ledger) -> None:
    ledger.revoke("per", by="kari")
    ledger.decide("per")


def revoked_twice_by_another(ledger: Ledger) -> None:
    own = ledger.people["per"]
    ledger.revoke("per", by="kari")
    ledger.people["per"] = own
    ledger.revoke("per", by="kari")


def two_revoked_by_another(ledger: Ledger) -> None:
    ledger.enrol("vera")
    ledger.revoke("per", by="kari")
    ledger.revoke("vera", by="kari")


def the_installations_revoked(ledger: Ledger) -> None:
    ledger.people["the installation's"] = ledger.installation
    ledger.revoke("the installation's", by="kari")


def one_revoked_that_nobody_had(ledger: Ledger) -> None:
    ledger.people["vera"] = SigningKey(private("stranger"))
    ledger.revoke("vera", by="kari")


@pytest.mark.parametrize(
    ("revoking", "count"),
    [
        (revoked_by_themselves, 0),
        (revoked_by_another, 1),
        (revoked_twice_by_another, 1),
        (two_revoked_by_another, 2),
        (the_installations_revoked, 0),
        (one_revoked_that_nobody_had, 0),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_own_keys_that_others_revoked_are_counted_among_what_is_not_proved(
    revoking: Callable[[Ledger], None], count: int
) -> None:
    """Whoever runs the installation can have a key revoked, and then speak for the person without it."""
    ledger = beginning()
    revoking(ledger)
    found = checked(ledger)
    assert found.code == 0, found.out
    assert f"({count} were revoked by others)" in found.out


def test_acts_are_counted_by_who_signed_them() -> None:
    ledger = beginning()
    ledger.enrol("vera")
    for actor in ("per", "vera", "kari", "per"):
        ledger.decide(actor)
    found = checked(ledger)
    assert "3 acts signed with own keys by 2 people; 4 by the installation" in found.out


def test_facts_from_when_the_clock_had_run_back_are_counted() -> None:
    ledger = beginning()
    for _ in range(2):
        ledger.system()
        ledger.rewrite(lambda fact: fact.update(clock="ran_back"))
    found = checked(ledger)
    assert (found.code, "(ran back: 2)" in found.out) == (0, True)


def test_texts_are_counted_as_they_are_there_or_kept_back() -> None:
    ledger = beginning()
    for actor in ("per", "kari", "per"):
        ledger.decide(actor, "Uenig.")
    assert "texts: 3 as written, 0 not in this file" in checked(ledger).out
    ledger.under = dict.fromkeys(list(ledger.under)[:2], b'{"withheld":true}') | dict(
        [*ledger.under.items()][2:]
    )
    found = checked(ledger)
    assert found.code == 0, found.out
    assert "texts: 1 as written, 2 not in this file" in found.out


def test_a_rehearsals_ledger_says_that_nothing_of_it_happened() -> None:
    ledger = Ledger(origin="forsvarlig/rehearsal/923609016/nordfjord-tre")
    ledger.begin()
    found = checked(ledger)
    assert found.code == 0, found.out
    assert found.out.startswith("2 facts, 0 faults. REHEARSAL: none of it happened.\n")
    assert "REHEARSAL" not in verified(beginning().bundle()).out


# --- anchors --------------------------------------------------------------------------------------


def test_what_no_anchor_given_covers_is_said_not_to_be_proved(ledger: Ledger) -> None:
    for anchors, since in (
        ((), 0),
        ((ledger.fingerprint(5),), 5),
        ((ledger.fingerprint(5), ledger.anchor()), 11),
        ((ledger.anchor(), ledger.fingerprint(5)), 11),
    ):
        assert f"after fact {since} (newest anchor)" in verified(ledger.bundle(), *anchors).out


def test_an_anchor_of_any_number_of_facts_is_compared_with_those(ledger: Ledger) -> None:
    """Also of numbers that no checkpoint is of, as a receipt's."""
    every = [ledger.fingerprint(size) for size in range(1, 12)]
    found = verified(ledger.bundle(), *every)
    assert found.code == 0, found.out
    for size, anchor in enumerate(every, 1):
        assert f"the first {size} facts are those of anchor {anchor}" in found.out


def test_other_signatures_under_an_anchor_are_not_looked_at(ledger: Ledger) -> None:
    """They are checked by `forsvarlig ledger check`; the log's own must be good here too."""
    text = ledger.notes[-1].partition("\n\n")[0] + "\n"
    line = cosignature_line(UNION, private("witness"), text, START)
    assert verified(ledger.bundle(), ledger.anchor(line)).code == 0
    stranger = signature_line(ORIGIN, private("stranger"), text)
    forged = ledger.anchor().partition("— ")[0]
    assert "not signed" in verified(ledger.bundle(), forged + stranger).faults
    by_whom = ledger.anchor().replace(text, text.replace("time 2027", "time 2028"))
    found = verified(ledger.bundle(), by_whom)
    assert "signature that is not good" in found.faults
    assert verify.ANCHOR in found.faults
    assert verify.COPY not in found.faults


def test_an_anchor_of_the_same_leaves_under_a_stolen_key_id_is_a_fault(ledger: Ledger) -> None:
    """The four bytes before a signature name the key that made it (C2SP signed-note)."""
    head, _, line = ledger.anchor().rpartition(" ")
    raw = base64.b64decode(line)
    other = base64.b64encode(bytes(4) + raw[4:]).decode()
    assert "not signed by the log key there" in verified(ledger.bundle(), f"{head} {other}\n").faults


@pytest.mark.parametrize(
    ("anchor", "said"),
    [
        ("0-4OYM-IQUY-7QOB-JGX3-6TEJ-S35Z-EQT2-4QPE", "has 0, not 11 facts"),
        ("11-AAAA-BBBB-CCCC-DDDD-AAAA-BBBB-CCCC-DDDD", "of other leaves than these"),
        ("14-AAAA-BBBB-CCCC-DDDD-AAAA-BBBB-CCCC-DDDD", "has 14, not 11 facts"),
    ],
)
def test_another_fingerprint_is_a_fault(ledger: Ledger, anchor: str, said: str) -> None:
    found = verified(ledger.bundle(), anchor)
    assert found.code == 1
    assert f"anchor {anchor}" in found.faults
    assert said in found.faults
    assert verify.ANCHOR in found.faults
    assert "after fact 0 (newest anchor)" in found.out


def test_an_anchor_of_another_ledger_is_a_fault(ledger: Ledger) -> None:
    assert verified(ledger.bundle(), busy(13, people=2).anchor()).code == 1


def test_a_bad_anchor_does_not_hide_a_bad_fact_nor_another_anchor(ledger: Ledger) -> None:
    other, good = "5-AAAA-BBBB-CCCC-DDDD-AAAA-BBBB-CCCC-DDDD", ledger.fingerprint(8)
    found = verified(ledger.bundle(), other, good)
    assert f"the first 8 facts are those of anchor {good}" in found.out
    assert found.faults.count(other) == 1


# --- what cannot be checked -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bundle", "anchors", "said"),
    [
        (b"", (), "JSONDecodeError"),
        (b"{}\n", (), "could be written otherwise"),
        (b'{"format":"another"}\n', (), "could be written otherwise"),
        (b"\xff\n", (), "UnicodeDecodeError"),
        (None, ("nowhere.txt",), "FileNotFoundError"),
        (None, ("11-AAAA",), "FileNotFoundError"),
    ],
)
def test_what_cannot_be_checked_ends_with_2(
    bundle: bytes | None, anchors: tuple[str, ...], said: str
) -> None:
    found = verified(small_year().bundle() if bundle is None else bundle, *anchors)
    assert found.code == 2
    assert found.out.startswith("Nothing can be checked: ")
    assert found.out.endswith("\n")
    assert said in found.out


@pytest.mark.parametrize(
    "change",
    [
        {"format": "forsvarlig-ledger-2"},
        {"more": 1},
        {"checkpoints": "3"},
        {"checkpoints": None},
    ],
    ids=str,
)
def test_a_bundle_of_another_form_ends_with_2(ledger: Ledger, change: dict[str, Any]) -> None:
    head, _, rest = ledger.bundle().partition(b"\n")
    assert verified(canonical(json.loads(head)) + b"\n" + rest).code == 0
    assert verified(canonical(json.loads(head) | change) + b"\n" + rest).code == 2


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("forsvarlig-anchor-1\n", "forsvarlig-anchor-2\n"),
        ("forsvarlig-anchor-1\n", ""),
        ("\n\n", "\nmer\n"),
        ("\ntime 2", "\ntime x"),
        ("\n— ", "\n- "),
        ("\n11\n", "\n011\n"),
    ],
)
def test_a_file_that_is_no_anchor_ends_with_2(
    ledger: Ledger, tmp_path: Path, there: str, instead: str
) -> None:
    assert there in ledger.anchor()
    file = tmp_path / "none"
    file.write_text(ledger.anchor().replace(there, instead, 1), "utf-8")
    found = verified(ledger.bundle(), str(file))
    assert found.code == 2
    assert f"{file} is no anchor" in found.out


def test_half_an_anchor_is_none(ledger: Ledger) -> None:
    assert verified(ledger.bundle(), ledger.anchor().partition("— ")[0]).code == 2


def test_without_a_bundle_it_ends_with_2() -> None:
    assert verify.main([]) == 2


def test_facts_that_no_checkpoint_covers_are_a_fault_however_good_they_look() -> None:
    ledger = beginning()
    ledger.system()
    found = verified(ledger.bundle())
    assert (found.code, "under no checkpoint" in found.faults) == (1, True)
    assert "- 4 facts of" in found.out
