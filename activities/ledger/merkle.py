"""The Merkle tree of RFC 6962 § 2.1: SHA-256, leaves prefixed 0x00 and nodes 0x01."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

DIGEST = 32
EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves (RFC 6962 § 2.1)."""

_SIZE = 8


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 ‖ leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over all leaf hashes, by the recursion of RFC 6962 § 2.1; `Frontier` gives the same."""
    match len(leaf_hashes):
        case 0:
            return EMPTY_ROOT
        case 1:
            return leaf_hashes[0]
        case size:
            split = 1 << (size - 1).bit_length() - 1
            return node_hash(root_of(leaf_hashes[:split]), root_of(leaf_hashes[split:]))


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be kept of a tree to append to it and to know its root: a compact range from the first leaf.

    `subtrees` are the roots of the complete subtrees from left to right, one for each bit set in `size`.
    """

    size: int = 0
    subtrees: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.subtrees) != self.size.bit_count():
            raise ValueError(
                f"a tree of {self.size} leaves has no frontier of {len(self.subtrees)} subtrees."
            )
        if any(len(subtree) != DIGEST for subtree in self.subtrees):
            raise ValueError(f"every subtree of a frontier is a hash of {DIGEST} bytes.")

    def append(self, leaf: bytes) -> Frontier:
        """The frontier with one more leaf, given its hash (`leaf_hash`)."""
        subtrees, size = [*self.subtrees, leaf], self.size
        while size & 1:
            right = subtrees.pop()
            subtrees.append(node_hash(subtrees.pop(), right))
            size >>= 1
        return Frontier(self.size + 1, tuple(subtrees))

    @property
    def root(self) -> bytes:
        """The root of the whole tree, 32 bytes."""
        if not self.subtrees:
            return EMPTY_ROOT
        return reduce(lambda right, left: node_hash(left, right), reversed(self.subtrees))

    def to_bytes(self) -> bytes:
        """The size as eight bytes, big-endian, then the subtrees' roots."""
        return self.size.to_bytes(_SIZE) + b"".join(self.subtrees)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frontier:
        """What `to_bytes` wrote; `ValueError` for anything else."""
        hashes = raw[_SIZE:]
        if len(raw) < _SIZE or len(hashes) % DIGEST:
            raise ValueError(
                f"{len(raw)} bytes are no frontier: eight bytes and then {DIGEST} for each subtree."
            )
        cuts = range(0, len(hashes), DIGEST)
        return cls(int.from_bytes(raw[:_SIZE]), tuple(hashes[at : at + DIGEST] for at in cuts))
