"""A time stamping authority of the tests' own: certificates, answers (RFC 3161), and a server on loopback."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)
BORN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Party(NamedTuple):
    """A certificate with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def party(name: str, by: Party | None = None) -> Party:
    """A root, or an authority that stamps times and that the root `by` vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = by.certificate.subject if by is not None else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BORN)
        .not_valid_after(BORN + 10_000 * DAY)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by is not None:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    signed = builder.sign(by.key if by is not None else key, hashes.SHA256())
    return Party(key, signed)


def answer(query: bytes, stamper: Party, when: dt.datetime, *, nonce: int | None = None) -> bytes:
    """The authority's answer to a request, both DER; with another `nonce` it is the answer to another one."""
    asked = tsp.TimeStampReq.load(query)
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.3.6.1.4.1.99999.1",
            "message_imprint": asked["message_imprint"],
            "serial_number": 7,
            "gen_time": when,
            "nonce": nonce if nonce is not None else asked["nonce"].native,
        }
    )
    certificate = asn1_x509.Certificate.load(stamper.certificate.public_bytes(Encoding.DER))
    digest = hashlib.sha256(info.dump()).digest()
    certified = hashlib.sha256(certificate.dump()).digest()
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "tst_info"),
            _attribute("message_digest", digest),
            _attribute(
                "signing_certificate_v2", tsp.SigningCertificateV2({"certs": [{"cert_hash": certified}]})
            ),
        ]
    )
    # What is signed is the SET, and in the message it has a tag of its own (RFC 5652 § 5.4).
    signature = stamper.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.IssuerAndSerialNumber(
                {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
            ),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            "signature": signature,
        }
    )
    data = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "tst_info", "content": info},
            "certificates": [certificate],
            "signer_infos": [signer],
        }
    )
    token = cms.ContentInfo({"content_type": "signed_data", "content": data})
    made = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
    assert isinstance(made, bytes)
    return made


def refusal(why: str) -> bytes:
    """An answer that grants nothing."""
    # asn1crypto will not write one without a token: SEQUENCE { SEQUENCE { 2, SEQUENCE { why } } }.
    text = b"\x0c" + bytes([len(why)]) + why.encode()
    status = b"\x02\x01\x02" + b"\x30" + bytes([len(text)]) + text
    return b"\x30" + bytes([len(status) + 2]) + b"\x30" + bytes([len(status)]) + status


@contextmanager
def serving(reply: Callable[[bytes], bytes | int | str]) -> Iterator[str]:
    """A server on loopback that answers each request with what `reply` gives.

    A number is an HTTP status, and a text the address to which it sends on.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(said if isinstance(said, int) else 303 if isinstance(said, str) else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            if isinstance(said, str):
                self.send_header("Location", said)
            self.end_headers()
            if isinstance(said, bytes):
                self.wfile.write(said)

        def do_GET(self) -> None:
            """Whoever was sent on comes with this."""
            self.rfile = io.BytesIO()
            self.headers["Content-Length"] = "0"
            self.do_POST()

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: a test says itself what went wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
    finally:
        server.shutdown()
        server.server_close()


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})
