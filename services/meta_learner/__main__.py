"""`python -m homeostat.services.meta_learner`: run the meta-learner on Kafka."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("meta_learner")
