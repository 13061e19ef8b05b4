"""`python -m homeostat.services.training_advisor`: run the training advisor on Kafka."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("training_advisor")
