"""What a model server and whoever sets or asks it say to each other, and what makes a model of one's own one."""

from typing import TYPE_CHECKING, Any

from homeostat.serving.answers import Answers, Mirrored, Routed
from homeostat.serving.deployment import Deployment, ModelState, Role

if TYPE_CHECKING:
    from homeostat.serving.answer import Answer
    from homeostat.serving.served import Served, serve

__all__ = ["Answer", "Answers", "Deployment", "Mirrored", "ModelState", "Role", "Routed", "Served", "serve"]


def __getattr__(name: str) -> Any:
    """Import what needs a client when it is asked for: a model server needs none."""
    if name not in ("Answer", "Served", "serve"):
        raise AttributeError(name)
    from homeostat.serving import served

    return getattr(served, name)
