"""Run in a process of its own: what every fold says to its recorded history, and what numpy could use."""

import importlib
import json
import sys
from pathlib import Path

from tests.support.histories import digests

from homeostat.runtime import registry
from homeostat_tools.cli.folds import fold_of

umath = importlib.import_module("numpy._core._multiarray_umath")  # its stub hides the lists of instruction sets
in_use = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]]
said = {name: digests(fold_of(name), Path(sys.argv[1])) for name in registry.folds()}
sys.stdout.write(json.dumps({"in_use": in_use, "said": said}))
