"""The hand that moves alert thresholds, inside the bands that were approved."""
