"""The Merkle tree of RFC 6962 § 2.1 and its proofs (RFC 9162 § 2.1.3, § 2.1.4): SHA-256, leaves prefixed 0x00,
nodes 0x01. Places count from 0 here; the leaf at place p is the ledger's seq p + 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

DIGEST = 32
EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves (RFC 6962 § 2.1)."""

_SIZE = 8


class Node(NamedTuple):
    """A complete subtree of 2^level leaves, the `place`-th of its level from the left; level 0 is a leaf."""

    level: int
    place: int


Nodes = Callable[[Node], bytes]
"""Gives the root of a complete subtree; at level 0 that is the hash of the leaf."""


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
        return self.grown(leaf)[0]

    def grown(self, leaf: bytes) -> tuple[Frontier, list[tuple[Node, bytes]]]:
        """The frontier with one more leaf, and the subtrees above it that are complete now, smallest first."""
        complete: list[tuple[Node, bytes]] = []
        subtrees, place = [*self.subtrees, leaf], self.size
        while place & 1:
            right = subtrees.pop()
            subtrees.append(node_hash(subtrees.pop(), right))
            place >>= 1
            complete.append((Node(len(complete) + 1, place), subtrees[-1]))
        return Frontier(self.size + 1, tuple(subtrees)), complete

    @property
    def root(self) -> bytes:
        """The root of the whole tree, 32 bytes."""
        return _joined(self.subtrees) if self.subtrees else EMPTY_ROOT

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


def root_nodes(size: int) -> list[Node]:
    """The complete subtrees that the root of the first `size` leaves is made of, from left to right."""
    return _parts(0, size)


def root_at(size: int, nodes: Nodes) -> bytes:
    """The root of the first `size` leaves; it asks for `root_nodes`."""
    return _range_root(0, size, nodes) if size else EMPTY_ROOT


def inclusion_nodes(place: int, size: int) -> list[Node]:
    """What `inclusion` asks for: at most two hashes for each doubling of `size`."""
    return [node for start, end in _audit_path(place, size) for node in _parts(start, end)]


def inclusion(place: int, size: int, nodes: Nodes) -> list[bytes]:
    """The proof that the leaf at `place` is among the first `size` (RFC 9162 § 2.1.3.1), nearest first.

    `ValueError` for a place that is not among them.
    """
    return [_range_root(start, end, nodes) for start, end in _audit_path(place, size)]


def consistency_nodes(first: int, second: int) -> list[Node]:
    """What `consistency` asks for."""
    return [node for start, end in _growth(first, second) for node in _parts(start, end)]


def consistency(first: int, second: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree of `first` leaves is the beginning of that of `second` (RFC 9162 § 2.1.4.1).

    It is empty where the sizes are equal. `ValueError` unless 0 < first <= second: of the empty tree nothing
    is proved, since every tree begins with it.
    """
    return [_range_root(start, end, nodes) for start, end in _growth(first, second)]


def verify_inclusion(leaf: bytes, place: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf's hash at `place` to the root of `size` leaves (RFC 9162 § 2.1.3.2)."""
    if not 0 <= place < size or not _are_hashes(leaf, *proof):
        return False
    node, last, reached = place, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            reached = node_hash(step, reached)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        node, last = node >> 1, last >> 1
    return last == 0 and reached == root


def verify_consistency(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `second` leaves begins with that of `first` (RFC 9162 § 2.1.4.2).

    False where `first` is 0, whatever the proof: nothing was promised about an empty tree.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if not _are_hashes(first_root, *proof):
        return False
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _joined(subtrees: Sequence[bytes]) -> bytes:
    """The root over neighbouring complete subtrees, each smaller than the one before it."""
    return reduce(lambda right, left: node_hash(left, right), reversed(subtrees))


def _range_root(start: int, end: int, nodes: Nodes) -> bytes:
    return _joined([nodes(node) for node in _parts(start, end)])


def _parts(start: int, end: int) -> list[Node]:
    """The complete subtrees that make up a subtree of the recursion, which begins at `start`, before `end`."""
    parts = []
    for level in reversed(range((end - start).bit_length())):
        if (end - start) >> level & 1:
            done = (end - start) >> (level + 1) << (level + 1)
            parts.append(Node(level, (start + done) >> level))
    return parts


def _split(start: int, end: int) -> int:
    """Where RFC 6962 § 2.1 splits the leaves from `start` to before `end`: after the largest power of two."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _audit_path(place: int, size: int) -> list[tuple[int, int]]:
    """The leaves under each hash of an inclusion proof, nearest first."""
    if not 0 <= place < size:
        raise ValueError(f"place {place} is not among the first {size} leaves.")
    start, end = 0, size
    path = []
    while end - start > 1:
        split = _split(start, end)
        if place < split:
            path.append((split, end))
            end = split
        else:
            path.append((start, split))
            start = split
    return path[::-1]


def _growth(first: int, second: int) -> list[tuple[int, int]]:
    """The leaves under each hash of a consistency proof, in its order."""
    if not 0 < first <= second:
        raise ValueError(f"there is no consistency proof from {first} to {second} leaves.")
    start, end = 0, second
    path = []
    while end > first:
        split = _split(start, end)
        if first <= split:
            path.append((split, end))
            end = split
        else:
            path.append((start, split))
            start = split
    if start:
        path.append((start, end))
    return path[::-1]


def _are_hashes(*given: bytes) -> bool:
    return all(len(hash) == DIGEST for hash in given)
