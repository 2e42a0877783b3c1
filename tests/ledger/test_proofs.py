"""Proofs about the Merkle tree: other people's vectors, another library's answers, and the laws of RFC 9162."""

from __future__ import annotations

import base64
import json
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency,
    consistency_nodes,
    inclusion,
    inclusion_nodes,
    leaf_hash,
    node_hash,
    root_at,
    root_nodes,
    root_of,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(__file__).parent / "vectors"


def vectors(kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / f"{kind}.jsonl").read_text().splitlines()]


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


# --- vectors of transparency-dev/merkle -----------------------------------------------------------


def test_there_are_196_vectors_and_most_of_them_are_wrong_proofs() -> None:
    both = [*vectors("inclusion"), *vectors("consistency")]
    assert (len(both), sum(v["wantErr"] for v in both)) == (196, 184)


@pytest.mark.parametrize("vector", vectors("inclusion"), ids=lambda v: v["name"])
def test_an_inclusion_vector_is_judged_as_its_authors_judge_it(vector: dict[str, Any]) -> None:
    proof = [raw(step) for step in vector["proof"] or ()]
    leaf, root = raw(vector["leafHash"]), raw(vector["root"])
    found = verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], proof, root)
    assert found is not vector["wantErr"]


@pytest.mark.parametrize("vector", vectors("consistency"), ids=lambda v: v["name"])
def test_a_consistency_vector_is_judged_as_its_authors_judge_it(vector: dict[str, Any]) -> None:
    proof = [raw(step) for step in vector["proof"] or ()]
    first, second = raw(vector["root1"]), raw(vector["root2"])
    found = verify_consistency(vector["size1"], first, vector["size2"], second, proof)
    assert found is not vector["wantErr"]


# --- our own trees --------------------------------------------------------------------------------


def leaf(place: int) -> bytes:
    return leaf_hash(f"fact {place}".encode())


@cache
def node(wanted: Node) -> bytes:
    """A complete subtree, by its definition."""
    level, place = wanted
    if level == 0:
        return leaf(place)
    return node_hash(node(Node(level - 1, 2 * place)), node(Node(level - 1, 2 * place + 1)))


@cache
def root(size: int) -> bytes:
    return root_of([leaf(place) for place in range(size)])


sizes = st.integers(1, 400)


@given(sizes)
def test_the_root_of_a_beginning_is_made_of_one_node_for_each_bit_of_its_size(size: int) -> None:
    assert len(root_nodes(size)) == size.bit_count()
    assert root_at(size, {n: node(n) for n in root_nodes(size)}.__getitem__) == root(size)


def test_nothing_has_the_root_of_the_empty_tree() -> None:
    assert (root_nodes(0), root_at(0, node)) == ([], EMPTY_ROOT)


@given(sizes)
def test_each_leaf_completes_the_nodes_whose_last_leaf_it_is(size: int) -> None:
    frontier, made = Frontier(), dict[Node, bytes]()
    for place in range(size):
        frontier, complete = frontier.grown(leaf(place))
        for found, hash in complete:
            assert (found.place + 1) << found.level == place + 1
            made[found] = hash
    levels = range(1, size.bit_length())
    expected = {Node(level, place) for level in levels for place in range(size >> level)}
    assert made == {found: node(found) for found in expected}


@given(sizes.flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_an_inclusion_proof_is_short_and_proves_its_leaf_at_its_place_only(at: tuple[int, int]) -> None:
    place, size = at
    known = {n: node(n) for n in inclusion_nodes(place, size)}
    proof = inclusion(place, size, known.__getitem__)
    assert len(proof) <= (size - 1).bit_length()
    assert len(known) <= 2 * size.bit_length()
    assert verify_inclusion(leaf(place), place, size, proof, root(size))
    assert not any(
        verify_inclusion(leaf(place), other, size, proof, root(size))
        for other in range(size)
        if other != place
    )
    assert not verify_inclusion(leaf(size), place, size, proof, root(size))


@given(sizes.flatmap(lambda second: st.tuples(st.integers(1, second), st.just(second))))
def test_a_consistency_proof_proves_that_one_tree_begins_with_the_other(pair: tuple[int, int]) -> None:
    first, second = pair
    known = {n: node(n) for n in consistency_nodes(first, second)}
    proof = consistency(first, second, known.__getitem__)
    assert len(proof) <= second.bit_length() + 1
    assert verify_consistency(first, root(first), second, root(second), proof)
    assert not verify_consistency(first, leaf(second), second, root(second), proof)
    assert not verify_consistency(first, root(first), second, leaf(second), proof)


@given(
    sizes.flatmap(lambda second: st.tuples(st.integers(1, second), st.just(second))),
    st.integers(0, 20), st.integers(0, 255),
)  # fmt: skip
def test_a_proof_with_one_bit_changed_or_with_more_or_fewer_steps_proves_nothing(
    pair: tuple[int, int], at: int, bit: int
) -> None:
    first, second = pair
    proof = consistency(first, second, node)
    longer, shorter = [*proof, leaf(0)], proof[:-1]
    wrong = [longer, *([shorter] if proof else [])]
    if proof:
        changed = int.from_bytes(proof[at % len(proof)]) ^ 1 << bit
        wrong.append([*proof[: at % len(proof)], changed.to_bytes(32), *proof[at % len(proof) + 1 :]])
    for steps in wrong:
        assert not verify_consistency(first, root(first), second, root(second), steps)


@pytest.mark.parametrize(("place", "size"), [(0, 0), (3, 3), (-1, 3), (0, -1)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(place: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"place {place} is not among the first {size} leaves"):
        inclusion(place, size, node)
    assert not verify_inclusion(leaf(0), place, size, [], leaf(0))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_nothing_is_proved_of_the_empty_tree_or_of_a_tree_that_shrank(first: int, second: int) -> None:
    with pytest.raises(ValueError, match=f"no consistency proof from {first} to {second}"):
        consistency(first, second, node)
    for known in (EMPTY_ROOT, leaf(0)):
        assert not verify_consistency(first, known, second, known, [])


def test_bytes_cannot_be_moved_from_one_hash_to_its_neighbour() -> None:
    left, right = leaf(0), leaf(1)
    assert verify_inclusion(left, 0, 2, [right], root(2))
    assert not verify_inclusion(left + right[:1], 0, 2, [right[1:]], root(2))
    assert verify_consistency(1, left, 2, root(2), [right])
    assert not verify_consistency(1, left + right[:1], 2, root(2), [right[1:]])


# --- another library ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def oracle() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for place in range(130):
        tree.append_entry(f"fact {place}".encode())
    return tree


def test_pymerkle_computes_the_same_roots(oracle: pymerkle.InmemoryTree) -> None:
    assert [oracle.get_root(size) for size in range(1, 131)] == [root(size) for size in range(1, 131)]


def test_pymerkle_agrees_with_every_inclusion_proof(oracle: pymerkle.InmemoryTree) -> None:
    compared = 0
    for size in range(1, 130, 7):
        for place in range(size):
            theirs = oracle.prove_inclusion(place + 1, size)
            pymerkle.verify_inclusion(leaf(place), root(size), theirs)
            path = [bytes.fromhex(step) for step in theirs.serialize()["path"]][1:]
            assert path == inclusion(place, size, node)
            compared += 1
    assert compared == 1216


def test_pymerkle_accepts_the_trees_that_a_consistency_proof_connects(oracle: pymerkle.InmemoryTree) -> None:
    compared = 0
    for first, second in combinations(range(1, 131), 2):
        proof = consistency(first, second, node)
        assert verify_consistency(first, root(first), second, root(second), proof)
        if (first + second) % 5 == 0:
            pymerkle.verify_consistency(root(first), root(second), oracle.prove_consistency(first, second))
        compared += 1
    assert compared == 8385
