"""`python -m homeostat.services.threshold_tracker`: run the threshold tracker on Kafka."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("threshold_tracker")
