"""What retraining would have gained and cost in a recorded history, policy by policy and action by action."""
