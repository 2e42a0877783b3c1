"""The inspection file as one ZIP: the papers, the ledger, what was filed, and how to check it all.

The same sources give the same bytes, whenever and wherever: times are the checkpoint's, names are sorted, and
nothing of the machine goes in.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from io import BytesIO
from pathlib import PurePosixPath

from activities.language import current
from portal.dossier import sheets, typeset, web
from portal.dossier.checking import readme
from portal.dossier.colophon import Attached, omissions
from portal.dossier.contents import compose
from portal.dossier.telling import Teller
from workflows.rules.calendar import OSLO

FORMAT = "forsvarlig-dossier-1"
LEDGER = "facts.jsonl"
MANIFEST = "manifest.json"

_STORED = (".gz", ".pdf", ".xlsx", ".png", ".jpg", ".zip")
"""Files that are packed already."""


def files(
    teller: Teller, ledger: bytes, verifier: bytes, evidence: Mapping[str, bytes], attached: Attached
) -> dict[str, bytes]:
    """Every file of the inspection file by its name in the ZIP, the manifest with the hash of each among them.

    `ledger` is the bundle (facts.jsonl) and `verifier` the program that checks it; `evidence` holds what lies
    under `evidence/` and `histories/`, by name.
    """
    paper = compose(teller, attached)
    found = {
        "dossier.pdf": typeset.pdf(paper, ledger, teller.sources.checkpoint.time),
        "dossier.html": web.page(paper),
        "measures.xlsx": sheets.workbook(teller),
        LEDGER: ledger,
        "checkpoint.txt": teller.sources.note.encode(),
        "verify.py": verifier,
        readme_name(): readme(teller).encode(),
        **evidence,
    }
    return {**found, MANIFEST: _manifest(teller, found, attached)}


def packed(contents: Mapping[str, bytes], at: datetime) -> bytes:
    """The ZIP with these files, each dated `at` (in Norway)."""
    when = at.astimezone(OSLO)
    # A ZIP tells time in steps of two seconds.
    when -= timedelta(seconds=when.second % 2)
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, when.timetuple()[:6])
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            stored = PurePosixPath(name).suffix.lower() in _STORED
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, contents[name], compresslevel=9)
    return out.getvalue()


def readme_name() -> str:
    """What the first file to read is called in the language spoken."""
    return "README.txt" if current() == "en" else "LES-MEG.txt"


def _manifest(teller: Teller, found: Mapping[str, bytes], attached: Attached) -> bytes:
    sources, options = teller.sources, teller.sources.options
    body = {
        "format": FORMAT,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in sorted(found.items())
        },
        "employer": {
            "id": sources.employer.id,
            "name": sources.organisation.name,
            "org_number": sources.employer.org_number,
        },
        "rehearsal": sources.rehearsal,
        "year": options.year,
        "unit": options.unit,
        "cycles": sorted({f.cycle for _seq, f in sources.facts if f.cycle is not None and sources.tells(f)}),
        "checkpoint": {
            "note": sources.note,
            "fingerprint": sources.checkpoint.fingerprint,
            "size": sources.checkpoint.size,
            "time": sources.checkpoint.time.isoformat(),
        },
        "law": {"version": sources.law.version, "sha256": sources.law.content_hash},
        "programme": {
            "id": sources.programme.id,
            "version": sources.programme.version,
            "sha256": sources.programme.content_hash,
        },
        "organisation": {"sha256": sources.organisation_hash},
        "product": {"name": "forsvarlig", "version": version("forsvarlig")},
        "exporter": options.person,
        "options": {
            "language": options.language,
            "law": list(options.law),
            "texts": options.texts,
            "names": options.names,
            "documents": options.documents,
        },
        "left_out": [
            {"what": each.code, "count": each.count, "why": each.text} for each in omissions(teller, attached)
        ],
    }
    return (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode()
