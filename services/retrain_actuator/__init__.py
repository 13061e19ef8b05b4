"""The hand that trains: every arm of a retrain command on one closed range of the timeline."""
