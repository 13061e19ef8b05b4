"""What a model server and whoever sets or asks it say to each other: deployments, batches, answers."""

from homeostat.serving.answers import Answers, Mirrored, Served
from homeostat.serving.deployment import Deployment, ModelState, Role

__all__ = ["Answers", "Deployment", "Mirrored", "ModelState", "Role", "Served"]
