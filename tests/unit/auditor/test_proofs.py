"""Whatever is changed in a log or in its proofs, verification says which."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.auditor.world import record

from homeostat.audit import verify_chain, verify_log
from homeostat.audit.digest import digest_records
from homeostat.audit.keys import Key
from homeostat.audit.leaves import hash_of
from homeostat.codec import Record
from homeostat.events import CheckpointSigned, LogDigested
from homeostat.services.auditor.chain import Chain, Place, Run, append, checkpoint

Leaves = list[LogDigested]


def prove(records: list[Record], size: int = 5) -> tuple[Chain, Leaves]:
    """Chain runs of `size` records."""
    chain, leaves = Chain(), []
    for start in range(0, len(records), size):
        run = records[start : start + size]
        place = Place(run[0].topic, run[0].topic_id, run[0].partition)
        chain, leaf = append(chain, place, Run(run[0].offset, run[-1].offset, digest_records(run)))
        leaves.append(leaf)
    return chain, leaves


def kinds(report: object) -> list[tuple[str, str]]:
    """Kind and place of each finding."""
    return [(finding.kind, finding.where) for finding in report.findings]  # type: ignore[attr-defined]  # either report


RECORDS = [record(offset) for offset in range(20)]
CHAIN, LEAVES = prove(RECORDS)
LOG = "homeostat.governance[0]"


def test_an_untouched_log_verifies() -> None:
    """Every record is confirmed."""
    report = verify_log(LEAVES, RECORDS)

    assert report.is_valid
    assert report.n_records == 20


def test_an_untouched_chain_verifies(key: Key) -> None:
    """Every leaf holds and is signed."""
    report = verify_chain(LEAVES, [checkpoint(CHAIN, key)], {key.key_id: key.public_key_hex})

    assert report.is_valid
    assert (report.n_leaves, report.n_signed) == (4, 4)


# -- the log ----------------------------------------------------------------------------------

EDITS: dict[str, Callable[[Record], Record]] = {
    "value": lambda r: replace(r, value=b"other"),
    "no value": lambda r: replace(r, value=None),
    "key": lambda r: replace(r, key=b"other"),
    "broker time": lambda r: replace(r, timestamp=r.timestamp + 1),
    "header": lambda r: replace(r, headers=[("ce_id", b"9.9"), *r.headers[1:]]),
    "header gone": lambda r: replace(r, headers=r.headers[1:]),
    "signature added": lambda r: replace(r, headers=[*r.headers, ("signature", b"x")]),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("place", [0, 7, 19])
def test_an_edited_record_is_found_in_its_run(edit: Callable[[Record], Record], place: int) -> None:
    """Any covered byte; the finding names the run of the record."""
    records = [edit(r) if r.offset == place else r for r in RECORDS]

    first = place // 5 * 5
    assert kinds(verify_log(LEAVES, records)) == [("edited", f"{LOG} {first}..{first + 4}")]


def test_transport_headers_and_their_order_are_not_covered() -> None:
    """A mirror may add a header or list them in another order."""
    records = [replace(r, headers=[("mirror", b"1"), *reversed(r.headers[:3])]) for r in RECORDS]

    assert verify_log(LEAVES, records).is_valid


@given(st.sets(st.integers(0, 18), min_size=1))
def test_missing_records_are_named_one_by_one(gone: set[int]) -> None:
    """Everything that is not there, and nothing else."""
    records = [r for r in RECORDS if r.offset not in gone]

    assert kinds(verify_log(LEAVES, records)) == [("missing", f"{LOG} {offset}") for offset in sorted(gone)]


@given(st.integers(1, 19))
def test_a_cut_end_is_truncated_from_there(end: int) -> None:
    """The findings cover exactly what was cut off."""
    findings = kinds(verify_log(LEAVES, RECORDS[:end]))

    assert {kind for kind, _ in findings} == {"truncated"}
    assert findings[0][1].startswith(f"{LOG} {end}..")
    assert findings[-1][1].endswith("..19")


def test_an_emptied_log_is_truncated() -> None:
    """A log without records does not verify by having nothing to check."""
    assert {kind for kind, _ in kinds(verify_log(LEAVES, []))} == {"truncated"}


def test_records_in_another_order_are_named() -> None:
    """The reader's order is the log's order."""
    records = [*RECORDS[:3], RECORDS[4], RECORDS[3], *RECORDS[5:]]

    assert kinds(verify_log(LEAVES, records)) == [("reordered", f"{LOG} 3")]


def test_records_whose_places_were_exchanged_are_named() -> None:
    """The offsets are smooth again, but the records' own sequence is not."""
    records = [*RECORDS[:3], replace(RECORDS[4], offset=3), replace(RECORDS[3], offset=4), *RECORDS[5:]]

    assert kinds(verify_log(LEAVES, records)) == [("reordered", f"{LOG} 4")]


def test_what_retention_removed_is_expired_not_missing() -> None:
    """Below the low watermark nothing is claimed."""
    report = verify_log(LEAVES, RECORDS[7:], low=7)

    assert report.is_valid
    assert (report.n_expired, report.n_records) == (7, 10)


def test_another_incarnation_of_the_topic_is_another_log() -> None:
    """Leaves of a deleted topic say nothing of the one made after it."""
    assert verify_log(LEAVES, [replace(r, topic_id="U") for r in RECORDS]).n_records == 0


def test_without_records_the_partition_must_be_clear() -> None:
    """Leaves of two partitions and no record to tell which is meant: refused."""
    _, others = prove([record(0, partition=1)])

    with pytest.raises(ValueError, match="which one"):
        verify_log([*LEAVES, *others], [])


@given(st.lists(st.tuples(st.none() | st.binary(), st.none() | st.binary()), min_size=2, max_size=2, unique=True))
def test_different_records_have_different_digests(pairs: list[tuple[bytes | None, bytes | None]]) -> None:
    """Key and value cannot borrow bytes from each other, and absent is not empty."""
    one, other = (digest_records([Record("t", "T", 0, 0, 0, key, value, [])]) for key, value in pairs)

    assert one != other


# -- the chain --------------------------------------------------------------------------------


def rehashed(leaf: LogDigested, **update: object) -> LogDigested:
    """A leaf with other content, and its hash made right."""
    other = leaf.model_copy(update=update)
    return other.model_copy(update={"leaf": hash_of(other)})


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "update",
    [
        {"digest": "0" * 64},
        {"log": "x"},
        {"topic_id": "x"},
        {"partition": 3},
        {"first": 1},
        {"last": 99},
        {"leaf": "0" * 64},
    ],
    ids=lambda update: next(iter(update)),
)
def test_an_edited_leaf_is_named(place: int, update: dict[str, object]) -> None:
    """Any field of any leaf."""
    leaves = [leaf.model_copy(update=update) if leaf.index == place else leaf for leaf in LEAVES]

    assert kinds(verify_chain(leaves, [], {})) == [("edited", f"leaf {place}")]


@pytest.mark.parametrize("place", range(3))
def test_a_leaf_that_was_edited_and_hashed_again_is_named_by_the_next(place: int) -> None:
    """Its successor still holds the old hash."""
    leaves = [rehashed(leaf, digest="0" * 64) if leaf.index == place else leaf for leaf in LEAVES]

    assert kinds(verify_chain(leaves, [], {})) == [("edited", f"leaf {place}")]


def test_a_history_rewritten_to_the_end_contradicts_its_checkpoint(key: Key) -> None:
    """Without the key nobody can sign the new head."""
    _, leaves = prove([replace(r, value=b"other") for r in RECORDS])

    report = verify_chain(leaves, [checkpoint(CHAIN, key)], {key.key_id: key.public_key_hex})

    assert kinds(report) == [("forked", "checkpoint of 4 leaves")]


@pytest.mark.parametrize("place", range(3))
def test_a_missing_leaf_is_named(place: int) -> None:
    """The one that is gone, not the one after it."""
    leaves = [leaf for leaf in LEAVES if leaf.index != place]

    assert kinds(verify_chain(leaves, [], {})) == [("missing", f"leaf {place}")]


@pytest.mark.parametrize("place", range(3))
def test_exchanged_leaves_are_named(place: int) -> None:
    """The first that stands in a wrong place."""
    leaves = list(LEAVES)
    leaves[place], leaves[place + 1] = leaves[place + 1], leaves[place]

    assert kinds(verify_chain(leaves, [], {})) == [("reordered", f"leaf {place + 1}")]


def test_a_chain_that_was_cut_contradicts_a_checkpoint(key: Key) -> None:
    """Signed leaves cannot be taken back."""
    report = verify_chain(LEAVES[:3], [checkpoint(CHAIN, key)], {key.key_id: key.public_key_hex})

    assert kinds(report) == [("truncated", "checkpoint of 4 leaves")]


def test_a_break_is_reported_once(key: Key) -> None:
    """Checkpoints behind a break are not findings of their own."""
    report = verify_chain(LEAVES[1:], [checkpoint(CHAIN, key)], {key.key_id: key.public_key_hex})

    assert kinds(report) == [("missing", "leaf 0")]
    assert report.n_signed == 0


def test_records_that_no_leaf_covers_are_named() -> None:
    """A gap between two leaves of one partition."""
    _, leaves = prove([r for r in RECORDS if not 5 <= r.offset < 10])

    assert kinds(verify_chain(leaves, [], {})) == [("undigested", f"{LOG} 5..9")]


def test_records_that_two_leaves_cover_are_named() -> None:
    """A leaf cannot prove anew what was proven before."""
    last = LEAVES[-1]
    again = rehashed(last, index=4, previous=last.leaf, first=10, last=14)

    assert kinds(verify_chain([*LEAVES, again], [], {})) == [("forked", "leaf 4")]


def test_an_unsigned_side_branch_is_passed_over(key: Key) -> None:
    """The last words of an auditor that had been replaced do no harm, and neither do repeats."""
    stray = rehashed(LEAVES[2], last=12)
    onward = rehashed(LEAVES[3], previous=stray.leaf)
    leaves = [*LEAVES[:3], stray, onward, LEAVES[1], LEAVES[3]]

    report = verify_chain(leaves, [checkpoint(CHAIN, key)], {key.key_id: key.public_key_hex})

    assert report.is_valid
    assert report.n_leaves == 4


# -- the checkpoints --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "update",
    [{"tree_size": 3}, {"root_hash": "0" * 64}, {"signature": "AAAA"}, {"origin": "other"}],
    ids=lambda update: next(iter(update)),
)
def test_an_edited_checkpoint_is_unsigned(key: Key, update: dict[str, object]) -> None:
    """Every field is under the signature."""
    edited = checkpoint(CHAIN, key).model_copy(update=update)

    report = verify_chain(LEAVES, [edited], {key.key_id: key.public_key_hex})

    assert [finding.kind for finding in report.findings] == ["unsigned"]


def test_a_checkpoint_by_a_stranger_is_named(key: Key) -> None:
    """Only keys of the keyring count."""
    report = verify_chain(LEAVES, [checkpoint(CHAIN, key)], {})

    assert kinds(report) == [("unknown_key", "checkpoint of 4 leaves")]


def test_a_checkpoint_of_another_log_does_not_count(key: Key) -> None:
    """The origin is part of what was signed and of what is asked for."""
    foreign: CheckpointSigned = checkpoint(replace(CHAIN, origin="other"), key)

    report = verify_chain(LEAVES, [foreign], {key.key_id: key.public_key_hex})

    assert [finding.kind for finding in report.findings] == ["unsigned"]
