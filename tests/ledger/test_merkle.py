"""RFC 6962 trees: the vectors of Certificate Transparency, and the laws of the frontier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash, root_of

LEAVES = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def grown(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf_hash(leaf))
    return frontier


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES[:size]]
    assert grown(leaves).root.hex() == ROOTS[size]
    assert root_of([leaf_hash(leaf) for leaf in leaves]).hex() == ROOTS[size]


def test_the_frontier_agrees_with_the_recursion_of_the_rfc_at_every_size_up_to_300() -> None:
    frontier, hashes = Frontier(), list[bytes]()
    for number in range(301):
        assert (frontier.size, frontier.root) == (number, root_of(hashes))
        hashes.append(leaf_hash(number.to_bytes(4)))
        frontier = frontier.append(hashes[-1])


@given(st.lists(st.binary(max_size=40), max_size=40), st.lists(st.binary(max_size=40), max_size=40))
def test_a_frontier_read_back_from_its_bytes_goes_on_as_if_it_had_never_been_written(
    before: list[bytes], after: list[bytes]
) -> None:
    frontier = Frontier.from_bytes(grown(before).to_bytes())
    for leaf in after:
        frontier = frontier.append(leaf_hash(leaf))
    assert frontier == grown(before + after)
    assert frontier.root == root_of([leaf_hash(leaf) for leaf in before + after])


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_changing_or_dropping_any_leaf_changes_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:place], leaves[place] + b"!", *leaves[place + 1 :]]
    assert grown(changed).root != grown(leaves).root
    assert grown(leaves[:place] + leaves[place + 1 :]).root != grown(leaves).root


def test_a_leaf_cannot_pass_for_a_node() -> None:
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert leaf_hash(left + right) != grown([b"left", b"right"]).root


@pytest.mark.parametrize(
    "raw", [b"", b"\0" * 7, b"\0" * 9, b"\0" * 8 + b"x" * 32, (3).to_bytes(8) + b"x" * 32]
)
def test_bytes_that_are_no_frontier_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(raw)


def test_a_subtree_that_is_no_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier(1, (b"short",))


def test_the_empty_tree_has_the_hash_of_nothing_as_its_root() -> None:
    assert Frontier().root == EMPTY_ROOT
