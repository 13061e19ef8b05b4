"""`python -m homeostat.services.governor`: run the governor on Kafka."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("governor")
