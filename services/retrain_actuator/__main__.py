"""`python -m homeostat.services.retrain_actuator`: train on command."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("retrain_actuator")
