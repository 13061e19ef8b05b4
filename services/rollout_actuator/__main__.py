"""`python -m homeostat.services.rollout_actuator`: set what serves, on command."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("rollout_actuator")
