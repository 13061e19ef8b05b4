"""Whose word counts: keys, first words that wait for a second one, commands that hands may report on."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Key:
    """A public key: `public` hex, `principal` who owns it."""

    public: str
    principal: str
    is_revoked: bool = False


@dataclass(slots=True)
class Pending:
    """A word that waits for a second person's.

    Args:
        principal: Who said it.
        is_admin: Of the scope.
        expires_at: Until then, ms.
    """

    principal: str
    is_admin: bool
    expires_at: int


@dataclass(slots=True)
class Issued:
    """A command that a hand may still report on.

    Args:
        type: CloudEvents type of the command.
        action: It belongs to.
        target: `scope/model`, or `scope/family`.
        family: `scope/family`.
        hand: Service that answers it.
        forget_at: Nothing that comes after this is taken, ms.
        serves: Version and artifact that it puts there, of a rollout.
        stages: What was reported, but progress.
        is_closed: A report has ended it.
    """

    type: str
    action: str
    target: str
    family: str
    hand: str
    forget_at: int
    serves: tuple[str, str | None] | None = None
    stages: list[str] = field(default_factory=list)
    is_closed: bool = False
