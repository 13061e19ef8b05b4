"""`python -m homeostat.services.drift_detector`: run the drift detector on Kafka."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("drift_detector")
