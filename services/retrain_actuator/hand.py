"""Trains the arms of a retrain command and puts their weights into the artifact store."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from homeostat.artifacts import ArtifactStore
from homeostat.core import Event, Report, Task
from homeostat.events import RetrainStart
from homeostat.events.logs import POLICY_RETRAIN
from retrain_actuator.history import History
from retrain_actuator.targets.base import Launcher
from retrain_actuator.training import Training
