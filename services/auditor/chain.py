"""The chain of leaves over all logs: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from homeostat.audit.digest import GENESIS, ORIGIN, checkpoint_bytes, leaf_hash
from homeostat.audit.keys import Key
from homeostat.audit.leaves import Succession
from homeostat.codec import Record
from homeostat.core import Halt
from homeostat.events import CheckpointSigned, LogDigested

_HEADS: Final = 100_000


class Place(NamedTuple):
    """One partition of one incarnation of a log."""

    log: str
    topic_id: str
    partition: int


class Run(NamedTuple):
    """Digest of records with the offsets `first` to `last`, included; broker time of the last, entries if compacted."""

    first: int
    last: int
    digest: str
    time: int | None = None
    entries: tuple[str, ...] | None = None


class ChainBroken(Halt):
    """The audit log does not continue where it should: it was edited, or another auditor writes it.

    Operator: `homeostat audit verify` says which leaf is wrong. Keep the topic as evidence; if it is explained, an
    admin lets a new chain begin behind what is there, with `homeostat audit begin`.
    """

    def __init__(self, index: int, why: str) -> None:
        super().__init__(
            f"audit log at leaf {index}: {why}. `homeostat audit verify` says more; an admin lets the auditor begin "
            "anew with `homeostat audit begin --key NAME --reason WHY`"
        )
        self.index, self.why = index, why


class Overtaken(ChainBroken):
    """Another auditor has written the next leaf. Nothing is lost: resume behind it, if this one still has the lease."""


class CheckpointLost(Halt):
    """What was signed is not in the audit log: it was deleted and made again, or its end was cut off.

    Operator: keep everything as it is and run `homeostat audit verify --checkpoint FILE`. If the loss is explained, an
    admin signs for it with `homeostat audit begin --key NAME --reason WHY`, and a new chain begins behind that word.
    """

    def __init__(self, tree_size: int, root_hash: str, n_leaves: int) -> None:
        super().__init__(
            f"the checkpoint of {tree_size} leaves ({root_hash[:16]}…) that was kept is not of the audit log, which "
            f"has {n_leaves}: it was cut or made again. `homeostat audit verify` says more; an admin lets the auditor "
            "begin anew with `homeostat audit begin --key NAME --reason WHY`"
        )
        self.tree_size, self.root_hash, self.n_leaves = tree_size, root_hash, n_leaves


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

    Args:
        chain: As it is.
        place: Topic, incarnation, partition.
        run: Offsets and digest of the records.

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
        time=run.time,
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
        time=run.time,
        entries=run.entries,
    )
    following = Chain(chain.origin, chain.index + 1, leaf, {**chain.next_offsets, place: run.last + 1})
    return following, digested


def checkpoint(chain: Chain, key: Key) -> CheckpointSigned:
    """Sign the head. Only ever sign a chain whose leaves are in the audit log: two heads of one size are a fork."""
    return CheckpointSigned(
        origin=chain.origin,
        tree_size=chain.index,
        root_hash=chain.head,
        signature=key.sign(checkpoint_bytes(chain.origin, chain.index, chain.head)),
        key=key.key_id,
    )


def resume(records: Iterable[Record], origin: str = ORIGIN, kept: CheckpointSigned | None = None) -> Chain:
    """Rebuild the chain from the audit log itself, from its beginning to its end.

    Repeats and side branches (the last words of an auditor that had been replaced) are passed over. A
    checkpoint must be of this chain, or signing would go on over a log that was changed; those of more
    than `_HEADS` leaves ago are left to the verifier.

    Args:
        records: Of the audit log.
        origin: Of the checkpoints.
        kept: The last checkpoint, kept outside the broker; None where there is none.

    Raises:
        ChainBroken: The leaves do not follow from each other, or a checkpoint is not of them.
    """
    succession = Succession()
    heads = {0: succession.head}
    next_offsets: dict[Place, int] = {}
    is_kept = kept is None or (kept.tree_size, kept.root_hash) == (0, GENESIS)
    for record in records:
        payload = audit_payload(record)
        if isinstance(payload, CheckpointSigned):
            if heads.get(payload.tree_size, payload.root_hash) != payload.root_hash:
                raise ChainBroken(payload.tree_size, "a checkpoint was signed over another leaf")
            if payload.tree_size > succession.size:
                raise ChainBroken(succession.size, "a checkpoint was signed over more leaves")
        elif isinstance(payload, LogDigested):
            standing = succession.take(payload)
            if standing == "next":
                next_offsets[Place(payload.log, payload.topic_id, payload.partition)] = payload.last + 1
                heads[succession.size] = succession.head
                heads.pop(succession.size - _HEADS, None)
                is_kept |= kept is not None and (succession.size, succession.head) == (kept.tree_size, kept.root_hash)
            elif standing != "passed":
                raise ChainBroken(succession.size, f"leaf {payload.index} stands there and is {standing}")
    if kept is not None and not is_kept:
        raise CheckpointLost(kept.tree_size, kept.root_hash, succession.size)
    return Chain(origin, succession.size, succession.head, next_offsets)


def audit_payload(record: Record) -> LogDigested | CheckpointSigned | None:
    """Decode a record of the audit log; None for types that are not the chain's.

    Raises:
        pydantic.ValidationError: It says it is one, and is not.
    """
    type_ = (dict(record.headers).get("ce_type") or b"").decode(errors="replace")
    for model in (LogDigested, CheckpointSigned):
        if type_ == model.TYPE:
            return model.model_validate_json(record.value or b"")
    return None
