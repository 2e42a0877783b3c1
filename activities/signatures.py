"""Ed25519 (RFC 8032): key files, signing statements, and checking what others signed."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from workflows.rules.keys import key_id
from workflows.rules.statement import Envelope, Statement, pae, payload, sealed


class KeyFileError(Exception):
    """A key file that cannot be used: `path` is where, `fault` is what (a stable word)."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path}: {fault}")
        self.path, self.fault = path, fault


class SigningKey:
    """A private key. It never leaves the process, except into its own file."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_bytes = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(self.public_bytes)
        self.public_key = base64.b64encode(self.public_bytes).decode()

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"

    @classmethod
    def new(cls) -> SigningKey:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """The key in a PKCS #8 PEM file; `KeyFileError` `missing`, `unreadable` or `open_to_others`."""
        try:
            mode, content = path.stat().st_mode, path.read_bytes()
        except FileNotFoundError:
            raise KeyFileError(path, "missing") from None
        except OSError:
            raise KeyFileError(path, "unreadable") from None
        if mode & 0o077:
            raise KeyFileError(path, "open_to_others")
        try:
            private = load_pem_private_key(content, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyFileError(path, "unreadable") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyFileError(path, "unreadable")
        return cls(private)

    def save(self, path: Path) -> None:
        """Write the key for its owner's eyes only; `KeyFileError` `exists` rather than over another file."""
        content = self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # A link and not a rename: of two processes that make the key at once, one wins, and both know.
            path.hardlink_to(part)
        except FileExistsError:
            raise KeyFileError(path, "exists") from None
        finally:
            part.unlink()

    @classmethod
    def load_or_make(cls, path: Path) -> SigningKey:
        """The key in the file; the first time, a new one."""
        if not path.exists():
            try:
                cls.new().save(path)
            except KeyFileError as error:
                if error.fault != "exists":
                    raise
        return cls.load(path)

    def sign(self, statement: Statement) -> Envelope:
        """The statement in an envelope with this key's signature."""
        body = payload(statement)
        return sealed(body, self.id, self._private.sign(pae(body)))

    def sign_bytes(self, message: bytes) -> bytes:
        """The signature over the message (RFC 8032), 64 bytes."""
        return self._private.sign(message)


def is_signed_by(envelope: Envelope, public_key: str) -> bool:
    """Whether the envelope's signature over its exact bytes is by the key (base64 of 32 bytes)."""
    try:
        signature, key = base64.b64decode(envelope.signatures[0].sig), base64.b64decode(public_key)
    except ValueError:
        return False
    return is_signature(pae(envelope.body), signature, key)


def is_signature(message: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether the signature over the message is by the key (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
