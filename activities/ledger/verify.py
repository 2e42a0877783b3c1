"""Checks a ledger bundle offline, with Python 3.11 and nothing else: `python -I -S verify.py BUNDLE [ANCHOR ...]`.

An ANCHOR is an anchor file or a fingerprint (545-K3QF-7D2A-QWER-TYUI) that was kept outside the database; in a file
only the log's own signature is checked. Ends with 0 without faults, 1 with, 2 when it can check nothing.
RFC 6962 (tree), 8032 (Ed25519, with the cofactor), 8785 (JSON), DSSE, C2SP signed-note and tlog-checkpoint.
"""

import hmac, json, re, secrets, sys  # noqa: E401, I001 (few lines, for those who read it before they run it)
from base64 import b32encode, b64decode, b64encode
from collections import Counter
from datetime import datetime, timedelta
from functools import reduce
from hashlib import sha256, sha512
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT, BASE = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P), bytes([88]) + bytes([102]) * 31
Point = tuple[int, int, int, int]
Job = tuple[bytes, bytes, bytes]
AT, SKEW, ZERO = datetime.fromisoformat, timedelta(minutes=2), (0, 1, 1, 0)
NOTE = re.compile(r"((.+)\n([1-9]\d*)\n(.{44})\ntime ([-\dT:]+Z)\n(?:prev (.+)\n)?)\n— \2 (.{92})\n(— .+\n)*")
ANCHORED = re.compile("forsvarlig-anchor-1\n.+\n\n" + NOTE.pattern)
FINGERPRINT = re.compile("()()([0-9]{1,16})-((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})")
WITHHELD, KEPT = b'{"withheld":true}\n', (None, True)
WRITTEN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
COPY = "Export it again. If that does not help, the database was changed: restore a backup from before."
PERSON = "The record does not prove these acts: ask the people, who were given receipts of what they did."
ANCHOR = "The anchor is of another history, or of more than this one: ask for an export that goes so far."
ACTS = {
    "decision_recorded": "decide", "evidence_submitted": "file", "disagreement_answered": "answer",
    "due_date_changed": "move_due_date", "key_enrolled": "enrol_key", "key_revoked": "revoke_key",
    "delegation_ended": "end_delegation", "absence_set": "set_absence", "retention_set": "set_retention",
    "texts_erased": "erase_text", "document_erased": "erase_document", "person_erased": "erase_person",
    "erasure_asked": "erase_text/erase_document", "delegated": "delegate", "attempt_refused": "",
}  # fmt: skip
BY_RULE = {"due_date_changed": "reason", "key_enrolled": "person"}
BY_RULE |= dict.fromkeys(("texts_erased", "document_erased", "person_erased"), "basis")
RULES = (None, "organisation_changed", "retention", "attempt_refused")
MAY_SAY = {"comment", "back_to", "votes", "role", "unit", "step", "substitute", "facts", "document"}


def decoded(encoded: bytes) -> Point | None:
    """The point in its 32 bytes (RFC 8032 § 5.1.3); None for none, and for what has another form or order 1, 2, 4."""
    sign, y = divmod(int.from_bytes(encoded, "little"), 2**255)
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    x = x if v * x * x % P == u else x * ROOT % P
    good = v * x * x % P == u and x * y and y < P and len(encoded) == 32
    return ((x := x if x % 2 == sign else P - x), y, 1, x * y % P) if good else None


def add(p: Point, q: Point) -> Point:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = p, q
    a, b, c, d = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P, 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P


def total(terms: list[tuple[int, Point]]) -> Point:
    """The sum of scalar times point, by Pippenger's buckets."""
    width, result = max(1, len(terms).bit_length() - 4), ZERO
    for shift in range(256 // width * width, -1, -width):
        buckets = [ZERO] * 2**width
        for scalar, point in terms:
            digit = scalar >> shift & (1 << width) - 1
            buckets[digit] = add(buckets[digit], point) if digit else ZERO
        result = reduce(lambda point, _: add(point, point), range(width), result)
        result = reduce(add, accumulate(buckets[:0:-1], add), result)
    return result


def wrong(jobs: list[Job]) -> list[int]:
    """Which do not belong together: all at once, with weights that nobody can foresee; if that fails, by halves."""
    scalars, half = Counter[bytes](), len(jobs) // 2
    right = all(int.from_bytes(s[32:], "little") < L and len(s) == 64 for _, s, _ in jobs)
    for key, signature, message in jobs if right else ():
        h, weight = sha512(signature[:32] + key + message).digest(), secrets.randbits(128)
        scalars[signature[:32]] += weight
        scalars[key] += weight * int.from_bytes(h, "little")
        scalars[BASE] -= weight * int.from_bytes(signature[32:], "little")
    terms = [(scalar % L, point) for encoded, scalar in scalars.items() if (point := decoded(encoded))]
    right = right and len(terms) == len(scalars) and not total([(8, total(terms))])[0]
    return [] if right else wrong(jobs[:half]) + [half + n for n in wrong(jobs[half:])] if half else [0]


def need(right: object, what: str, remedy: str = COPY) -> None:
    if not right:
        raise ValueError(what, remedy)


def parse(line: bytes, *names: str) -> Any:
    value = json.loads(text := line.decode())
    need(WRITTEN(value) + "\n" == text and names in ((), tuple(value)), "could be written otherwise")
    return value


def signer(fact: Any, keys: dict[str, Any], recorded: datetime) -> tuple[Any, Job] | None:
    """Whose key signed an act (None: the installation's) and what to check; None for what nobody must sign."""
    body, actor, kind, signed = fact["body"], fact["actor"], fact["body"]["kind"], fact.get("signed")
    by_rule = actor in ("system", "unknown") and body.get(BY_RULE.get(kind, "kind")) in RULES
    need(by_rule or signed or kind not in ACTS or not keys, "is signed by nobody", PERSON)
    if by_rule or not signed:
        return None
    payload, [signature] = b64decode(signed["payload"]), signed["signatures"]
    said, (public, person) = parse(payload + b"\n")["predicate"], keys.get(signature["keyid"], (b"", ""))
    vouched = said["authentication"]["method"] in ("desk", "portal", "rehearsal")
    own = (vouched and person is None) and any(whose == actor for _, whose in keys.values())
    mine = said["actor"] == actor and (vouched, person) in ((False, actor), (not own, None))
    need(mine, "is signed with a key that does not count for its person here", PERSON)
    told = {"after" if name == "due" else name: value for name, value in said["act"].items()}
    told |= {"votes": {"position": None, **told["votes"]}} if "votes" in told else {}
    where = f"{said['cycle']}/{said['step']}" if "cycle" in said else said["employer"]
    same = told.pop("act") in ACTS.get(kind, "").split("/") and told.items() <= body.items()
    same &= not any(body.get(name) for name in MAY_SAY - told.keys())
    same &= all(fact[name] == said.get(name) for name in ("employer", "cycle", "step"))
    same &= fact["id"] == f"{where}#act {actor} {said['nonce']}"
    same &= AT(said["issued"]) - SKEW <= recorded < AT(said["expires"]) + SKEW or "clock" in fact
    need(same or kind == "attempt_refused", "says something else than what was signed", PERSON)
    over = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    return person, (public, b64decode(signature["sig"]), over)


def check(file: BinaryIO, anchors: list[str]) -> int:
    """Says what is proved and what not, and the first fault of each line; an exception for what is no bundle."""
    texts, keys, marks = dict[str, Any](), dict[str, Any](), dict[int, Any]()
    tree, jobs, count, acts = list[bytes](), list[Any](), Counter[str](), Counter[Any]()
    size, last, log_key, proved, faults = 0, "", b"", "", list[tuple[str, str]]()
    note: Any = None
    covered = recorded = AT("0001-01-02T00:00:00Z")
    for name in anchors:
        found: Any = FINGERPRINT.fullmatch(name) or ANCHORED.fullmatch(Path(name).read_bytes().decode())
        need(found, f"{name} is no anchor")
        marks.setdefault(int(found[3]), []).append((f"anchor {name}", found, ANCHOR))
    names = "checkpoints", "employer", "format", "leaves", "origin"
    notes, employer, form, leaves, origin = parse(file.readline(), *names).values()
    need(form == "forsvarlig-ledger-1", "this is no bundle")
    for number, line in enumerate(file, 1 - notes):
        under = number > 0 and line.startswith((b'{"salt":', b'{"withheld":'))
        size += number > 0 and not under
        where = f"{'text of ' * under}leaf {size}" if number > 0 else f"checkpoint {number + notes}"
        try:
            if number < 1:
                before, note = note, NOTE.fullmatch(parse(line, "checkpoint")["checkpoint"])
                need(note and note[2] == origin and not note[8], "is another ledger's, or signed by others")
                marks.setdefault(int(note[3]), []).insert(0, (where, note, COPY))
                prev = before and sha256(before[0].encode()).hexdigest()
                later = not before or (int(note[3]) > int(before[3]) and note[5] >= before[5])
                need(note[6] == prev and later, "does not follow the last: one was taken away or put in")
            elif under:
                commitment, texts[last] = texts.get(last), True
                need(commitment not in KEPT, "is not asked for")
                count["withheld" if line == WITHHELD else "shown"] += 1
                if line != WITHHELD:
                    salt, text = (said := parse(line, "salt", "text"))["salt"], said["text"].encode()
                    right = hmac.digest(bytes.fromhex(salt), text, "sha256").hex() == commitment
                    need(right and salt == bytes.fromhex(salt).hex(), "is not the one that was written")
            else:
                last, node = "", sha256(b"\0" + line[:-1]).digest()
                for _ in range((size & -size).bit_length() - 1):
                    node = sha256(b"\1" + tree.pop() + node).digest()
                tree.append(node)
                fact, ago, until, real = parse(line), recorded, covered, "/rehearsal/" not in origin
                body, when, ran_back = fact["body"], AT(fact["recorded"]), "clock" in fact
                kind, last, count["clock"] = body["kind"], fact["id"], count["clock"] + ran_back
                recorded, public = max(ago, when), b64decode(body.get("public_key", ""))
                need(not public or sha256(public).hexdigest()[:16] == body["key"], "misnames its key")
                if kind == "log_key_enrolled":
                    old, by_old, prev = log_key, body["previous_signature"], body["previous"] or ""
                    log_key, count["lost"] = public, count["lost"] + bool(old and not by_old)
                    need(prev == sha256(old).hexdigest()[: 16 * bool(old)], "names another log key before it")
                    over = f"forsvarlig log key\n{employer}\n{body['public_key']}\n{prev}\n".encode()
                    for key, by in [(public, body["signature"]), (old, by_old)][: 2 if by_old else 1]:
                        jobs.append((where, COPY, (key, b64decode(by), over)))
                for name, mark, remedy in marks.pop(size, ()):
                    root = reduce(lambda right, left: sha256(b"\1" + left + right).digest(), tree[::-1])
                    ours = b64encode(root).decode(), b32encode(root).decode()[:16]
                    need(mark[4].replace("-", "") in ours, f"ends {name}, of other leaves than these", remedy)
                    proved += f"\n- the first {size} facts are those of {name}" if remedy == ANCHOR else ""
                    if mark.re != FINGERPRINT:
                        raw, covered = b64decode(mark[7]), AT(mark[5])
                        hashed = sha256(origin.encode() + b"\n\1" + log_key).digest()[:4]
                        right = b64encode(hashed + raw[4:]).decode() == mark[7]
                        need(right, f"ends {name}, which is not signed by the log key there", remedy)
                        need(covered >= recorded - SKEW, f"ends {name}, older than what it covers", remedy)
                        jobs.append((name, remedy, (log_key, raw[4:], mark[1].encode())))
                placed = (fact["seq"], fact["employer"]) == (size, employer) and last not in texts
                need(placed and fact["v"] == 1, "is out of its place, another employer's, or there twice")
                need(body.get("rehearsal", not real) != real, "is a rehearsal's, or its ledger is")
                texts[last] = body.get("comment") or None
                for gone in body["facts"] if kind == "texts_erased" else ():
                    need(texts.get(gone) is not True, "says that a text is erased which is there")
                    texts[gone] = None
                if act := signer(fact, keys, recorded):
                    jobs.append((where, PERSON, act[1]))
                    acts[act[0]] += 1
                if kind == "key_enrolled":
                    need(body["person"] in (None, fact["actor"]), "enrols a key for somebody else", PERSON)
                    keys.setdefault(body["key"], (public, body["person"]))
                if kind == "key_revoked":
                    keys[body["key"]] = b"", ""
                need(when >= ago and (when >= until - SKEW or ran_back or not real), "is back-dated")
        except Exception as error:
            what, remedy = error.args if len(error.args) == 2 else (f"cannot be read: {error!r}", COPY)
            faults.append((remedy, f"{where} {what}"))
    for where, mark, remedy in (mark for at in marks for mark in marks[at]):
        faults.append((remedy, f"{where} is of {mark[3]} facts; here are {size}"))
    faults += [(COPY, f"{id} has no text, and was not erased") for id in texts if texts[id] not in KEPT]
    for where, remedy, _ in (jobs[n] for n in wrong([job for _, _, job in jobs])):
        faults.append((remedy, f"{where} has a signature that is not good"))
    if not note or leaves != size:
        faults.append((COPY, "bundle has not all its leaves, or no checkpoint"))
    named = [["FAULTS", *(what for r, what in faults if r == f), f"  -> {f}\n"] for f in dict(faults)]
    vouched, own, lost, back = acts.pop(None, 0), acts.total(), count["lost"], count["clock"]
    said = f"""Oppsummert: {size} fakta kontrollert, {len(faults)} feil.
PROVED{", apart from the faults below" * bool(faults)}
- {size} facts of {employer!r}, none changed, taken away or put in since it was signed
- {own} acts signed with own keys by {len(acts)} people; {vouched} by the installation
- texts: {count["shown"]} as they were written, {count["withheld"]} kept and not in this file{proved}
NOT PROVED
- without an anchor: that the end was not cut off, or all of it written anew by whoever had the log key
- that nothing was left out: what was never recorded leaves no trace; nor that the clock was right (ran back: {back})
- that a person's key was only that person's; what no person signed, or the installation's key signed for others
- that a new log key whose old one was lost ({lost}) is no stranger's, unless an anchor is of more facts than that
- anything of the facts after the last checkpoint (the last {max(0, size - int(note[3] if note else 0))} facts)
{"".join(map(chr(10).join, named))}"""
    sys.stdout.write(said.encode("ascii", "backslashreplace").decode())
    return 1 if faults else 0


def main(arguments: list[str]) -> int:
    try:
        with Path(arguments[0]).open("rb") as file:
            return check(file, arguments[1:])
    except Exception as error:
        sys.stderr.write(f"Nothing can be checked: {type(error).__name__}: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
