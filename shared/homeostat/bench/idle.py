"""A process that has loaded what every service loads from outside, and does nothing: the reference for memory."""

import signal

import confluent_kafka
import numpy as np

__all__ = ["confluent_kafka", "np"]

if __name__ == "__main__":
    signal.pause()
