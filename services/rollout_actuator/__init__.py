"""The hand that decides which versions serve: sets a target to the state of a rollout command."""
