"""`python -m homeostat.services.threshold_actuator`: move alert thresholds, on command."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("threshold_actuator")
