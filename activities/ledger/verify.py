"""Checks a ledger bundle offline with Python 3.11 alone: `python -I -S verify.py BUNDLE [ANCHOR ...]`, each ANCHOR a
file or fingerprint kept outside the database. Says what is proved; ends with 0, 1 on faults, 2 if it cannot check.
RFC 6962 (tree), 8032 (Ed25519, cofactored), 8785 (JSON), DSSE, C2SP signed-note (the log's own) and tlog-checkpoint."""

import collections, concurrent.futures, contextlib, datetime as dt, fileinput, functools  # noqa: E401, I001
import hmac, itertools, json, pathlib, re, secrets, sys, typing as t  # noqa: E401 (few lines: it is read)
from base64 import b32encode, b64decode, b64encode
from hashlib import sha256, sha512

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT, BASE = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P), bytes([88]) + bytes([102]) * 31
AT, SKEW, ZERO, MANY = dt.datetime.fromisoformat, dt.timedelta(minutes=2), (0, 1, 1, 0), 4096
NOTE = re.compile(r"((.+)\n([1-9]\d*)\n(.{44})\ntime ([-\dT:]+Z)\n(?:prev (.+)\n)?)\n— \2 (.{92})\n(— .+\n)*")
ANCHORED = re.compile("forsvarlig-anchor-1\n.+\n\n" + NOTE.pattern)
FINGERPRINT = re.compile("()()([0-9]{1,16})-((?:[A-Z2-7]{4}-){7}[A-Z2-7]{4})")
HEAD, WITHHELD = ("checkpoints", "employer", "format", "leaves", "origin"), b'{"withheld":true}\n'
WRITTEN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
COPY = "Export it again. If that does not help, the database was changed: restore a backup from before."
PERSON = "The record does not prove these acts: ask the people, who were given receipts of what they did."
ANCHOR = "The anchor is of another history, or of more than this one: ask for an export that goes so far."
RULES = (None, "organisation_changed", "retention", "attempt_refused")
ACTS = """document_erased=erase_document:basis attempt_refused=:kind person_erased=erase_person:basis
retention_set=set_retention due_date_changed=move_due_date:reason delegated=delegate key_enrolled=enrol_key:person
decision_recorded=decide delegation_ended=end_delegation disagreement_answered=answer evidence_submitted=file
erasure_asked=erase_text/erase_document key_revoked=revoke_key texts_erased=erase_text:basis absence_set=set_absence"""
ACT = dict(re.findall(r"(\S+)=(\S+)", ACTS))  # of which act a fact is, or of none by one of RULES
MAY_SAY = ("comment", "back_to", "votes", "role", "unit", "step", "substitute", "facts", "document")


def add(p: t.Any, q: t.Any, k: int = 2 * D) -> t.Any:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = p, q  # where 2 D is in t2 already, k is 1
    a, b, c, d = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P, k * t1 * t2 % P, 2 * z1 * z2 % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P


def wrong(jobs: list[t.Any]) -> list[t.Any]:
    """Whose signature is not good: all at once, with weights that nobody can foresee; if that fails, by halves."""
    scalars, points, right, half = collections.Counter[bytes](), list[t.Any](), True, len(jobs) // 2
    for _, _, key, sig, message in jobs:
        h, s = sha512(sig[:32] + key + message).digest(), int.from_bytes(sig[32:], "little")
        right, weight = right and s < L and len(sig) == 64, secrets.randbits(128)
        for encoded, scalar in ((sig[:32], 1), (key, int.from_bytes(h, "little")), (BASE, -s)):
            scalars[encoded] += weight * scalar
    for encoded, scalar in scalars.items():  # RFC 8032 § 5.1.3; points of order 1, 2, 4 and 8 are none
        sign, y = divmod(int.from_bytes(encoded, "little"), 2**255)
        u, v, whole = (y * y - 1) % P, (D * y * y + 1) % P, y < P and len(encoded) == 32
        root = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
        for x in (root, -root % P, root * ROOT % P, -root * ROOT % P):
            if v * x * x % P == u and x % 2 == sign and x * y and (x * x + y * y) % P and whole:
                points += [(scalar % L * 8, (x, y, 1, 2 * D * x * y % P))]
    width, total = max(1, len(points).bit_length() - 4), ZERO
    for shift in range(256 // width * width, -1, -width):  # Pippenger's buckets
        buckets = [ZERO] * 2**width
        for scalar, point in points:
            if digit := (scalar >> shift) % 2**width:
                buckets[digit] = add(buckets[digit], point, 1)
        total = functools.reduce(lambda point, _: add(point, point), range(width), total)
        total = functools.reduce(add, itertools.accumulate(buckets[:0:-1], add), total)
    right = right and len(points) == len(scalars) and not total[0]
    return [] if right else wrong(jobs[:half]) + wrong(jobs[half:]) if half else jobs


def main(arguments: list[str]) -> int:
    def need(right: object, what: str, remedy: str = COPY) -> None:
        if not right:
            raise ValueError(what, remedy)

    def parse(line: bytes, *names: str) -> t.Any:
        value = json.loads(text := line.decode())
        need(WRITTEN(value) + "\n" == text and names in ((), tuple(value)), "could be written otherwise")
        return value

    texts, keys, marks = dict[str, t.Any](), dict[str, t.Any](), dict[int, list[t.Any]]()
    jobs, tree, faults, fits = list[t.Any](), list[bytes](), list[tuple[str, str]](), dict[str, int]()
    who, size, upto, lost, taken, recorded = collections.Counter[t.Any](), 0, 0, 0, 0, AT("1970-01-01T00Z")
    time, prev, last, log_key, log_id, back, covered = "", None, "", b"", "", 0, recorded
    pool, checks = functools.cache(concurrent.futures.ProcessPoolExecutor), list[t.Any]()

    def leaf(where: str, line: bytes) -> None:
        nonlocal last, covered, recorded, log_key, log_id, lost, back, taken
        last, node = "", sha256(b"\0" + line[:-1]).digest()
        for _ in range((size & -size).bit_length() - 1):
            node = sha256(b"\1" + tree.pop() + node).digest()
        tree.append(node)
        fact, ago, until, real = parse(line), recorded, covered, "/rehearsal/" not in origin
        body, actor, kind, when = fact["body"], fact["actor"], fact["body"]["kind"], AT(fact["recorded"])
        last, ran_back, public = fact["id"], "clock" in fact, b64decode(body.get("public_key", ""))
        recorded, back = max(ago, when), back + ran_back
        need(not public or sha256(public).hexdigest()[:16] == body["key"], "misnames its key")
        if kind == "log_key_enrolled":
            over = f"forsvarlig log key\n{employer}\n{body['public_key']}\n{log_id}\n".encode()
            signs = (public, body["signature"]), (log_key, body["previous_signature"])
            need(signs[0][1] and (body["previous"] or "") == log_id, "names another log key before it")
            jobs.extend((where, COPY, key, b64decode(sig), over) for key, sig in signs if sig)
            log_key, log_id, lost = public, body["key"], lost + bool(log_key and not signs[1][1])
        for name, mark, remedy in marks.pop(size, ()):
            top = functools.reduce(lambda right, left: sha256(b"\1" + left + right).digest(), tree[::-1])
            ours = b64encode(top).decode(), b32encode(top).decode()[:32]
            need(mark[4].replace("-", "") in ours, f"ends {name}, of other leaves than these", remedy)
            fits.update({f"\n- the first {size} facts are those of {name}": size} if remedy == ANCHOR else {})
            if mark.re != FINGERPRINT:
                raw, covered = b64decode(mark[7]), AT(mark[5])
                signed = sha256(origin.encode() + b"\n\1" + log_key).digest()[:4] + raw[4:]
                right = b64encode(signed).decode() == mark[7] and covered >= recorded - SKEW
                need(right, f"ends {name}, older than its facts, or not signed by the log key there", remedy)
                jobs.append((name, remedy, log_key, raw[4:], mark[1].encode()))
        need((fact["seq"], fact["v"]) == (size, 1) and last not in texts, "is out of place, or there twice")
        need(fact["employer"] == employer and body.get("rehearsal", not real) != real, "is of another ledger")
        erased = body["facts"] if kind == "texts_erased" else ()
        need(not any(texts.get(id) in (True, False) for id in erased), "has erased a text which is there")
        texts.update({last: body.get("comment")} | dict.fromkeys(erased))
        act, _, why = ACT.get(kind, "").partition(":")
        by_rule = actor in ("system", "unknown") and body.get(why or "kind") in RULES
        need(by_rule or fact.get("signed") or kind not in ACT or not keys, "is signed by nobody", PERSON)
        if fact.get("signed") and not by_rule:
            payload, [sig] = b64decode(fact["signed"]["payload"]), fact["signed"]["signatures"]
            said, (key, person) = parse(payload + b"\n")["predicate"], keys.get(sig["keyid"], (b"", ""))
            vouched = said["authentication"]["method"] in ("desk", "portal", "rehearsal")
            by = said["actor"], vouched, actor in dict(keys.values()).values(), person
            right = by in ((actor, False, True, actor), (actor, True, False, None))
            need(right, "is signed with a key that does not count for its person here", PERSON)
            told = dict.fromkeys(MAY_SAY) | {"after" if n == "due" else n: v for n, v in said["act"].items()}
            told["votes"] = told["votes"] and {"position": None, **told["votes"]}
            place = f"{said['cycle']}/{said['step']}" if "cycle" in said else said["employer"]
            right = told.pop("act") in act.split("/") and fact["id"] == f"{place}#act {actor} {said['nonce']}"
            right &= all(value in (body.get(name), body.get(name) or None) for name, value in told.items())
            right &= all(fact[name] == said.get(name) for name in ("employer", "cycle", "step"))
            right &= AT(said["issued"]) - SKEW <= recorded < AT(said["expires"]) + SKEW or ran_back
            need(right or kind == "attempt_refused", "says something else than what was signed", PERSON)
            over = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
            jobs.append((where, PERSON, key, b64decode(sig["sig"]), over))
            who[person] += 1
        need(kind != "key_enrolled" or body["person"] in (None, actor), "enrols another's key", PERSON)
        taken += kind == "key_revoked" and keys.get(body["key"], (b"", ""))[1] not in (actor, None, "")
        if kind in ("key_enrolled", "key_revoked"):
            keys[body["key"]] = keys.get(body["key"], (public, body["person"])) if public else (b"", "")
        need(when >= ago and (when >= until - SKEW or ran_back or not real), "is back-dated")

    try:
        for at in arguments[1:]:
            found: t.Any = FINGERPRINT.fullmatch(at) or ANCHORED.fullmatch(pathlib.Path(at).read_text("utf8"))
            need(found, f"{at} is no anchor")
            marks.setdefault(int(found[3]), []).append((f"anchor {at}", found, ANCHOR))
        file = fileinput.FileInput(arguments[0], mode="rb")  # noqa: SIM115 (closed when it is read)
        notes, employer, form, leaves, origin = parse(file.readline(), *HEAD).values()
        need(form == "forsvarlig-ledger-1", "this is no bundle")
        for number, line in enumerate(file, 1 - notes):
            under = line.startswith((b'{"salt":', b'{"withheld":'))
            size += number > 0 and not under
            where = f"{'text of ' * under}leaf {size}" if number > 0 else f"checkpoint {number + notes}"
            try:
                if number < 1:
                    note: t.Any = NOTE.fullmatch(parse(line, "checkpoint")["checkpoint"])
                    need(note and note[2] == origin and not note[8], "is of another ledger, or of others")
                    marks.setdefault(int(note[3]), []).insert(0, (where, note, COPY))
                    right = note[6] == prev and int(note[3]) > upto and note[5] >= time
                    upto, time, prev = int(note[3]), note[5], sha256(note[0].encode()).hexdigest()
                    need(right, "does not follow: one was taken away or put in")
                elif under:
                    commitment, texts[last] = texts.get(last), line != WITHHELD
                    need(isinstance(commitment, str), "is not asked for")
                    if line != WITHHELD:
                        salt, text = parse(line, "salt", "text").values()
                        right = hmac.digest(bytes.fromhex(salt), text.encode(), "sha256").hex() == commitment
                        need(right and salt == bytes.fromhex(salt).hex(), "is not the one that was written")
                else:
                    leaf(where, line)
                    if len(jobs) >= MANY:  # checked while the rest is read, where there can be processes
                        checks.append(functools.partial(wrong, jobs[:]))
                        with contextlib.suppress(Exception):
                            checks[-1] = pool().submit(wrong, jobs[:]).result
                        jobs.clear()
            except Exception as error:
                what, remedy = error.args if len(error.args) == 2 else (f"cannot be read: {error!r}", COPY)
                faults.append((remedy, f"{where} {what}"))
        faults += [(r, f"{at} has {m[3]}, not {size} facts") for at, m, r in itertools.chain(*marks.values())]
        faults += [(COPY, f"{id} has no text, and is not erased") for id in texts if type(texts[id]) is str]
        checks.append(functools.partial(wrong, jobs))
        faults += [(r, f"{at} has a signature that is not good") for check in checks for at, r, *_ in check()]
        faults += [(COPY, "leaves are missing, or under no checkpoint")] * (not size == leaves == upto > 0)
        named = [["FAULTS", *(what for r, what in faults if r == f), f"  -> {f}\n"] for f in dict(faults)]
        told = f"""{size} facts, {len(faults)} faults.{" REHEARSAL: none of it happened." * ("/rehearsal/" in origin)}
PROVED{", apart from the faults below" * bool(faults)}
- {upto} facts of {origin!r} signed at {time}: none changed, taken away or put in since
- {who.total() - who[None]} acts signed with own keys by {len({*who} - {None})} people; {who[None]} by the installation
- texts: {[*texts.values()].count(True)} as written, {[*texts.values()].count(False)} not in this file{"".join(fits)}
NOT PROVED
- after fact {max((0, *fits.values()))} (newest anchor): that none was cut off or written anew ({lost} log keys lost)
- that nothing was left out: what was never recorded leaves no trace; nor that the clock was right (ran back: {back})
- that own keys were only their people's ({taken} were revoked by others); what only the installation signed, or none
{"".join(map(chr(10).join, named))}"""
        sys.stdout.write(told.encode("ascii", "backslashreplace").decode())
        return 1 if faults else 0
    except Exception as error:
        sys.stderr.write(f"Nothing can be checked: {type(error).__name__}: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
