"""The verifier by itself: what it accepts, what it names, and that nothing makes it fall over."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.ledger import notes, verify
from activities.ledger.merkle import Frontier, leaf_hash
from activities.proof import _SAME
from activities.signatures import SigningKey
from tests.ledger.bitflips import a_year, damaged, run
from tests.ledger.bundles import ORIGIN, START, Ledger, busy, cosignature_line, private, signature_line, vkey
from workflows.rules.events import AttemptRefused, DecisionRecorded, Fact, StepOpened
from workflows.rules.organisation import Role
from workflows.rules.programme import Kind
from workflows.rules.record_facts import ErasureAsked
from workflows.rules.terms import Outcome, Refusal

VERIFIER = Path(verify.__file__)
MOST_LINES = 241
"""Whoever trusts nobody reads it first."""
UNION = "union.example/forsvarlig"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """A year in small: texts, own keys, a revoked one, an erased text, and a new log key."""
    ledger = Ledger()
    ledger.begin()
    ledger.system()
    ledger.checkpoint()
    ledger.enrol("per")
    ledger.file("kari")
    ledger.decide("per", "Støyen må måles – «igjen».")
    ledger.checkpoint()
    ledger.decide("vera", "Enig.")
    ledger.revoke("per")
    ledger.enrol_log(private("log 2"), private("log"))
    ledger.decide("per")
    ledger.erase("kari", next(id for id in ledger.texts if "vera" in id))
    ledger.checkpoint()
    return ledger


class Told:
    """What the verifier ended with and said."""

    def __init__(self, code: int, out: str) -> None:
        self.code, self.out = code, out
        self.faults = out.partition("FAULTS")[2]


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run it on a bundle and anchors, each as bytes or text."""

    def run(bundle: bytes, *anchors: str) -> Told:
        (tmp_path / "bundle").write_bytes(bundle)
        given = []
        for n, anchor in enumerate(anchors):
            if anchor.startswith("forsvarlig-anchor"):
                (tmp_path / f"anchor{n}").write_text(anchor, "utf-8")
                given.append(str(tmp_path / f"anchor{n}"))
            else:
                given.append(anchor)
        code = verify.main([str(tmp_path / "bundle"), *given])
        captured = capsys.readouterr()
        return Told(code, captured.out + captured.err)

    return run


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
    assert "Oppsummert: 11 fakta kontrollert, 0 feil." in ran.stdout.decode()


def test_it_knows_every_act_that_the_product_has_people_sign() -> None:
    acts = {
        fact.model_fields["kind"].default: act.model_fields["act"].default for fact, (act, _) in _SAME.items()
    }
    own = ErasureAsked.model_fields["kind"].default, AttemptRefused.model_fields["kind"].default
    assert {kind: act for kind, act in verify.ACTS.items() if kind not in own} == acts


# --- what it says ---------------------------------------------------------------------------------


def test_it_says_what_is_proved_and_what_is_not(ledger: Ledger, told: Callable[..., Told]) -> None:
    said = told(ledger.bundle(), ledger.anchor(), ledger.fingerprint(5))
    assert said.code == 0
    assert "the first 11 facts" in said.out
    assert f"the first 5 facts are those of anchor {ledger.fingerprint(5)}" in said.out
    assert "2 acts signed with own keys by 1 people; 5 by the installation" in said.out
    assert "NOT PROVED" in said.out
    assert "nothing was left out" in said.out


def test_the_notes_are_those_that_the_product_reads(ledger: Ledger) -> None:
    anchor = notes.read_anchor(ledger.anchor())
    assert (anchor.checkpoint.size, anchor.checkpoint.root) == (11, ledger.roots[11])
    assert str(anchor) == ledger.anchor()
    assert notes.fingerprint(11, ledger.roots[11]) == ledger.fingerprint(11)
    assert str(notes.log_vkey(ORIGIN, _public("log 2"))) == vkey(ORIGIN, private("log 2"))


def test_other_signatures_under_an_anchor_are_not_looked_at(
    ledger: Ledger, told: Callable[..., Told]
) -> None:
    """They are checked by `forsvarlig ledger check`; the log's own must be good here too."""
    text = ledger.notes[-1].partition("\n\n")[0] + "\n"
    line = cosignature_line(UNION, private("witness"), text, START)
    assert told(ledger.bundle(), ledger.anchor(line)).code == 0
    stranger = signature_line(ORIGIN, private("stranger"), text)
    forged = ledger.anchor().partition("— ")[0]
    assert "not signed" in told(ledger.bundle(), forged + stranger).faults
    by_whom = ledger.anchor().replace(text, text.replace("time 2027", "time 2028"))
    assert "signature that is not good" in told(ledger.bundle(), by_whom).faults


@pytest.mark.parametrize(
    "anchor", ["0-4OYM-IQUY-7QOB-JGX3", "11-AAAA-BBBB-CCCC-DDDD", "14-AAAA-BBBB-CCCC-DDDD"]
)
def test_another_fingerprint_is_a_fault(ledger: Ledger, told: Callable[..., Told], anchor: str) -> None:
    said = told(ledger.bundle(), anchor)
    assert said.code == 1
    assert f"anchor {anchor}" in said.faults


def test_an_anchor_of_another_ledger_is_a_fault(ledger: Ledger, told: Callable[..., Told]) -> None:
    other = busy(13, people=2)
    assert told(ledger.bundle(), other.anchor()).code == 1


@pytest.mark.parametrize(
    ("bundle", "anchors"),
    [(b"", ()), (b"{}\n", ()), (b'{"format":"another"}\n', ()), (b"\xff\n", ()), (None, ("nowhere.txt",))],
)
def test_what_cannot_be_checked_ends_with_2(
    ledger: Ledger, told: Callable[..., Told], bundle: bytes | None, anchors: tuple[str, ...]
) -> None:
    said = told(ledger.bundle() if bundle is None else bundle, *anchors)
    assert said.code == 2
    assert "Nothing can be checked" in said.out


@pytest.mark.parametrize(
    ("there", "instead"),
    [("forsvarlig-anchor-1\n", "forsvarlig-anchor-2\n"), ("\n\n", "\nmer\n"), ("\ntime 2", "\ntime x")],
)
def test_a_file_that_is_no_anchor_ends_with_2(
    ledger: Ledger, told: Callable[..., Told], tmp_path: Path, there: str, instead: str
) -> None:
    assert there in ledger.anchor()
    (tmp_path / "none").write_text(ledger.anchor().replace(there, instead, 1), "utf-8")
    assert told(ledger.bundle(), str(tmp_path / "none")).code == 2


def test_without_a_bundle_it_ends_with_2() -> None:
    assert verify.main([]) == 2


# --- signatures -----------------------------------------------------------------------------------


def openssl(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def flipped(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8 % len(raw)] ^= 1 << bit % 8
    return bytes(changed)


def malleated(signature: bytes) -> bytes:
    """The same signature with s + L."""
    s = int.from_bytes(signature[32:], "little") + verify.L
    return signature[:32] + s.to_bytes(32, "little")


IDENTITY, ORDER_2 = (1).to_bytes(32, "little"), (verify.P - 1).to_bytes(32, "little")
"""Points of small order: a signature by such a key is one over every message, or over every other."""


def cases(count: int) -> list[verify.Job]:
    """Good, flipped in key, signature or message, malleated, cut and lengthened signatures."""
    made = list[verify.Job]()
    for n in range(count):
        key, message = private(f"k{n % 7}"), b"%d" % n
        public, good = key.public_key().public_bytes_raw(), key.sign(message)
        made += [
            (public, good, message), (public, flipped(good, n), message), (flipped(public, n), good, message),
            (public, good, message + b"x"), (public, malleated(good), message), (public, good[:-1], message),
            (public, good + b"\0", message), (public, IDENTITY + bytes(32), message), (public, b"", message),
            (public, (verify.P + 1).to_bytes(32, "little") + good[32:], message),
        ]  # fmt: skip
    return made


def test_all_at_once_and_one_by_one_signatures_are_judged_as_openssl_does() -> None:
    jobs = cases(12)
    expected = [n for n, job in enumerate(jobs) if not openssl(*job)]
    assert sorted(verify.wrong(jobs)) == expected
    assert [n for n, job in enumerate(jobs[:20]) if verify.wrong([job])] == [n for n in expected if n < 20]
    assert len(jobs) - len(expected) >= 12


@pytest.mark.parametrize(("broken", "code"), [(None, 0), (3, 1), (17, 1)])
def test_of_many_signatures_the_bad_one_is_named(
    told: Callable[..., Told], broken: int | None, code: int
) -> None:
    ledger, places = a_ledger(), list[int]()
    for n in range(20):
        own = ledger.people["per"]
        if n == broken:
            ledger.people["per"] = SigningKey(private("stranger"))
            ledger.people["per"].id = own.id
        places.append(ledger.file("per", n + 1))
        ledger.people["per"] = own
    ledger.checkpoint()
    found = told(ledger.bundle())
    assert found.code == code
    assert broken is None or f"leaf {places[broken]} has a signature that is not good" in found.faults


def test_keys_of_small_order_and_keys_written_otherwise_sign_nothing() -> None:
    for key in (IDENTITY, ORDER_2, (verify.P + 1).to_bytes(32, "little"), b"\xff" * 32, bytes(32)):
        assert verify.wrong([(key, IDENTITY + bytes(32), b"anything")]) == [0]


def test_bad_signatures_do_not_hide_each_other() -> None:
    key = private("k")
    public, good = key.public_key().public_bytes_raw(), key.sign(b"m")
    s = int.from_bytes(good[32:], "little")
    shifted = [good[:32] + ((s + d) % verify.L).to_bytes(32, "little") for d in (1, -1)]
    assert sorted(
        verify.wrong([(public, shifted[0], b"m"), (public, good, b"m"), (public, shifted[1], b"m")])
    ) == [0, 2]


# --- what a ledger may not say --------------------------------------------------------------------


def a_ledger() -> Ledger:
    ledger = Ledger()
    ledger.begin()
    ledger.enrol("per")
    ledger.file("kari")
    ledger.checkpoint()
    return ledger


def unsigned(ledger: Ledger) -> None:
    body = DecisionRecorded(
        role=Role.SAFETY_REP, asked=Kind.CONSULT, outcome=Outcome.AGREED, document="ab" * 32, version=1
    )
    ledger.add(ledger.fact(body, actor="per"))


def by_the_installation_for_one_with_a_key(ledger: Ledger) -> None:
    own = ledger.people.pop("per")
    ledger.decide("per")
    ledger.people["per"] = own


def by_a_colleague(ledger: Ledger) -> None:
    ledger.people["kari"] = ledger.people["per"]
    ledger.decide("kari")


def by_a_revoked_key(ledger: Ledger) -> None:
    own = ledger.people["per"]
    ledger.revoke("per")
    ledger.people["per"] = own
    ledger.decide("per")


def says_something_else(ledger: Ledger) -> None:
    ledger.decide("per", outcome=Outcome.DISAGREES)


def says_more(ledger: Ledger) -> None:
    ledger.decide("per", back_to="plan")


def says_it_under_another_text(ledger: Ledger) -> None:
    ledger.decide("per", comment="cd" * 32)


def a_system_fact_with_a_signature(ledger: Ledger) -> None:
    ledger.file("per")
    signed = Fact.model_validate_json(_without_seq(ledger.leaves.pop())).signed
    ledger.frontier = _again(ledger)
    fact = ledger.fact(_opened())
    ledger.add(fact.model_copy(update={"signed": signed}))


def an_attempt_in_somebodys_name(ledger: Ledger) -> None:
    ledger.add(ledger.fact(AttemptRefused(attempt="decision", reason=Refusal.NOT_ELIGIBLE), actor="per"))


def a_text_that_was_never_erased(ledger: Ledger) -> None:
    ledger.decide("per", "Uenig.")
    ledger.erase("kari", *ledger.texts, silently=True)


def a_text_that_was_erased_and_is_there(ledger: Ledger) -> None:
    ledger.decide("per", "Uenig.")
    under = dict(ledger.under)
    ledger.erase("kari", *ledger.texts)
    ledger.under = under


def another_text(ledger: Ledger) -> None:
    place = ledger.decide("per", "Uenig.")
    ledger.under[place] = ledger.under[place].replace(b"Uenig", b"Enig!")


def a_text_under_a_fact_that_has_none(ledger: Ledger) -> None:
    ledger.under[ledger.system()] = b'{"withheld":true}'


def a_withheld_text_with_something_else(ledger: Ledger) -> None:
    ledger.under[ledger.decide("per", "Uenig.")] = b'{"withheld":false}'


def back_dated(ledger: Ledger) -> None:
    ledger.now -= timedelta(minutes=30)
    ledger.system()
    ledger.now += timedelta(minutes=40)


def twice_the_same_id(ledger: Ledger) -> None:
    ledger.add(ledger.fact(_opened(), id="f3"))
    ledger.add(ledger.fact(_opened(), id="f3"))


def of_another_employer(ledger: Ledger) -> None:
    ledger.add(ledger.fact(_opened(), employer="annen"))


def no_json(ledger: Ledger) -> None:
    ledger.add_leaf(b"ikke JSON")


def deep_json(ledger: Ledger) -> None:
    ledger.add_leaf(b"[" * 100_000)


def a_checkpoint_before_its_facts(ledger: Ledger) -> None:
    ledger.system()
    ledger.checkpoint(time=ledger.now - timedelta(minutes=3))


def a_checkpoint_of_other_leaves(ledger: Ledger) -> None:
    ledger.system()
    ledger.checkpoint(root=bytes(32))


def a_checkpoint_of_another_ledger(ledger: Ledger) -> None:
    ledger.system()
    ledger.checkpoint(origin="forsvarlig/1/annen")


def a_checkpoint_that_names_another(ledger: Ledger) -> None:
    ledger.system()
    ledger.checkpoint(prev="ab" * 32)


def two_checkpoints_of_one_size(ledger: Ledger) -> None:
    ledger.checkpoint()


def a_checkpoint_by_a_stranger(ledger: Ledger) -> None:
    ledger.log = private("stranger")
    ledger.system()
    ledger.checkpoint()


def a_log_key_that_the_old_one_does_not_know(ledger: Ledger) -> None:
    """The old key's signature is forged; that it is lost may be said, and is counted."""
    ledger.enrol_log(private("new"), private("log"))
    leaf = ledger.leaves.pop()
    ledger.frontier = _again(ledger)
    sig = base64.b64encode(private("stranger").sign(b"x")).decode().encode()
    cut = leaf.index(b'"previous_signature":"') + 22
    ledger.add_leaf(leaf[:cut] + sig + leaf[cut + 88 :])


def a_checkpoint_with_two_signatures(ledger: Ledger) -> None:
    text = ledger.notes[-1].partition("\n\n")[0] + "\n"
    ledger.notes[-1] += signature_line("annen", private("x"), text)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (unsigned, "is signed by nobody"),
        (by_the_installation_for_one_with_a_key, "does not count"),
        (by_a_colleague, "does not count"),
        (by_a_revoked_key, "does not count"),
        (says_something_else, "something else"),
        (says_more, "something else"),
        (says_it_under_another_text, "something else"),
        (a_system_fact_with_a_signature, "is signed"),
        (an_attempt_in_somebodys_name, "is signed by nobody"),
        (a_text_that_was_never_erased, "erased"),
        (a_text_that_was_erased_and_is_there, "erased"),
        (another_text, "text"),
        (a_text_under_a_fact_that_has_none, "text"),
        (a_withheld_text_with_something_else, "text"),
        (back_dated, "back-dated"),
        (twice_the_same_id, "twice"),
        (of_another_employer, "another employer"),
        (no_json, "cannot be read"),
        (deep_json, "cannot be read"),
        (a_checkpoint_before_its_facts, "older than"),
        (a_checkpoint_of_other_leaves, "other leaves"),
        (a_checkpoint_of_another_ledger, "another ledger"),
        (a_checkpoint_that_names_another, "taken away or put in"),
        (two_checkpoints_of_one_size, "checkpoint"),
        (a_checkpoint_by_a_stranger, "not signed"),
        (a_log_key_that_the_old_one_does_not_know, "not good"),
        (a_checkpoint_with_two_signatures, "signe"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_ledger_may_not_say_is_named(
    wrong: Callable[[Ledger], None], said: str, told: Callable[..., Told]
) -> None:
    ledger = a_ledger()
    assert told(ledger.bundle()).code == 0
    wrong(ledger)
    if len(ledger.notes) < 2 and wrong is not a_checkpoint_with_two_signatures:
        ledger.checkpoint()
    found = told(ledger.bundle())
    assert found.code == 1
    assert said in found.faults, found.out


def test_a_new_log_key_whose_old_one_was_lost_is_counted_among_what_is_not_proved(
    told: Callable[..., Told],
) -> None:
    ledger = a_ledger()
    ledger.enrol_log(private("new"), private("log"), lost=True)
    ledger.checkpoint()
    found = told(ledger.bundle())
    assert found.code == 0
    assert "old one was lost (1)" in found.out


def test_a_text_that_is_withheld_is_counted(told: Callable[..., Told]) -> None:
    ledger = a_ledger()
    ledger.under[ledger.decide("per", "Uenig.")] = b'{"withheld":true}'
    ledger.checkpoint()
    found = told(ledger.bundle())
    assert (found.code, "1 kept and not in this file" in found.out) == (0, True)


# --- damage ---------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_no_bytes_make_it_fall_over(told: Callable[..., Told], raw: bytes) -> None:
    assert told(raw).code == 2


@given(st.randoms(use_true_random=False), st.integers(1, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_no_damage_makes_it_fall_over_or_goes_unseen(
    ledger: Ledger, told: Callable[..., Told], chance: object, times: int
) -> None:
    bundle = ledger.bundle()
    for _ in range(times):
        bundle = damaged(bundle, chance)  # type: ignore[arg-type]
    assert bundle == ledger.bundle() or told(bundle, ledger.anchor()).code in (1, 2)


def test_no_flipped_bit_goes_unseen() -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    assert run(a_year(), 2000, seed) == []


def _public(seed: str) -> str:
    return base64.b64encode(private(seed).public_key().public_bytes_raw()).decode()


def _opened() -> StepOpened:
    return StepOpened(due=date(2027, 2, 12))


def _without_seq(leaf: bytes) -> str:
    fact = json.loads(leaf)
    del fact["seq"]
    return json.dumps(fact)


def _again(ledger: Ledger) -> Frontier:
    frontier = Frontier()
    for leaf in ledger.leaves:
        frontier = frontier.append(leaf_hash(leaf))
    return frontier
