"""The chain of leaves over all logs: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from homeostat.audit.digest import GENESIS, ORIGIN, checkpoint_bytes, digest_records, leaf_hash
from homeostat.audit.keys import Key
from homeostat.audit.verify import hash_of
from homeostat.codec import Record
from homeostat.core import Halt
from homeostat.events import CheckpointSigned, LogDigested


class Place(NamedTuple):
    """One partition of one incarnation of a log."""

    log: str
    topic_id: str
    partition: int


class Run(NamedTuple):
    """Digest of records with the offsets `first` to `last`, included."""

    first: int
    last: int
    digest: str


class ChainBroken(Halt):
    """The audit log does not continue where it should: it was edited, or another auditor writes it.

    Operator: make sure that one auditor runs, then `homeostat audit verify` says which leaf is wrong. Keep
    the topic as evidence; a new audit log (another origin, another topic) can be started beside it.
    """

    def __init__(self, index: int, why: str) -> None:
        super().__init__(f"audit log at leaf {index}: {why}; run one auditor only, then `homeostat audit verify`")
        self.index, self.why = index, why


@dataclass(frozen=True, slots=True)
class Chain:
    """Head of the audit log.

    Args:
        origin: Name of the audit log.
        index: Number of leaves; the index of the next one.
        head: Hash of the last leaf.
        next_offsets: First offset of each partition that no leaf covers yet.
    """

    origin: str = ORIGIN
    index: int = 0
    head: str = GENESIS
    next_offsets: Mapping[Place, int] = field(default_factory=dict)


def append(chain: Chain, place: Place, run: Run) -> tuple[Chain, LogDigested]:
    """Add one run as the next leaf.

    Returns:
        The new chain and the leaf; `chain` is not changed.

    Raises:
        ValueError: The run is empty or begins before what is covered already.
    """
    covered = chain.next_offsets.get(place, 0)
    if run.last < run.first or run.first < covered:
        raise ValueError(f"{place.log}[{place.partition}]: run {run.first}..{run.last} does not follow {covered - 1}")
    leaf = leaf_hash(
        previous=chain.head,
        index=chain.index,
        log=place.log,
        topic_id=place.topic_id,
        partition=place.partition,
        first=run.first,
        last=run.last,
        digest=run.digest,
    )
    digested = LogDigested(
        log=place.log,
        topic_id=place.topic_id,
        partition=place.partition,
        first=run.first,
        last=run.last,
        digest=run.digest,
        previous=chain.head,
        leaf=leaf,
        index=chain.index,
    )
    return follow(chain, digested), digested


def extend(
    chain: Chain, log: str, topic_id: str, partition: int, records: Sequence[Record]
) -> tuple[Chain, LogDigested]:
    """Add the digest of consecutive records of one log partition as the next leaf.

    Raises:
        ValueError: No records, or they begin before what is covered already.
    """
    if not records:
        raise ValueError(f"{log}[{partition}]: a leaf covers at least one record")
    run = Run(records[0].offset, records[-1].offset, digest_records(records))
    return append(chain, Place(log, topic_id, partition), run)


def follow(chain: Chain, leaf: LogDigested) -> Chain:
    """Take the next leaf over.

    Raises:
        ChainBroken: It is not the next leaf.
    """
    if leaf.index != chain.index:
        raise ChainBroken(chain.index, f"leaf {leaf.index} stands there")
    if leaf.previous != chain.head or leaf.leaf != hash_of(leaf):
        raise ChainBroken(chain.index, "it does not follow from the leaf before it")
    place = Place(leaf.log, leaf.topic_id, leaf.partition)
    return Chain(chain.origin, chain.index + 1, leaf.leaf, {**chain.next_offsets, place: leaf.last + 1})


def checkpoint(chain: Chain, key: Key) -> CheckpointSigned:
    """Sign the head. Only ever sign a chain whose leaves are in the audit log: two heads of one size are a fork."""
    return CheckpointSigned(
        origin=chain.origin,
        tree_size=chain.index,
        root_hash=chain.head,
        signature=key.sign(checkpoint_bytes(chain.origin, chain.index, chain.head)),
        key=key.key_id,
    )


def resume(records: Iterable[Record], origin: str = ORIGIN) -> Chain:
    """Rebuild the chain from the audit log itself, from its beginning to its end.

    A leaf whose place is taken (a repeat, or the last words of an auditor that had been replaced) is
    passed over: the first one counts. The newest checkpoint must be of this chain, or signing would go
    on over a log that was cut.

    Raises:
        ChainBroken: The leaves do not follow from each other, or a checkpoint is not of them.
    """
    chain = Chain(origin)
    heads = [chain.head]
    next_offsets: dict[Place, int] = {}
    for record in records:
        payload = audit_payload(record)
        if isinstance(payload, CheckpointSigned):
            size = payload.tree_size
            if size >= len(heads) or heads[size] != payload.root_hash:
                raise ChainBroken(size, "a checkpoint was signed over another leaf")
        elif isinstance(payload, LogDigested) and payload.index >= len(heads) - 1:
            # The offsets are kept here: copying them at each of a million leaves would be slow.
            chain = follow(Chain(origin, len(heads) - 1, heads[-1]), payload)
            next_offsets.update(chain.next_offsets)
            heads.append(chain.head)
    return Chain(origin, len(heads) - 1, heads[-1], next_offsets)


def audit_payload(record: Record) -> LogDigested | CheckpointSigned | None:
    """Decode a record of the audit log; None for types that are not the chain's.

    Raises:
        pydantic.ValidationError: It says it is one, and is not.
    """
    type_ = dict(record.headers).get("ce_type", b"").decode()
    for model in (LogDigested, CheckpointSigned):
        if type_ == model.TYPE:
            return model.model_validate_json(record.value or b"")
    return None
