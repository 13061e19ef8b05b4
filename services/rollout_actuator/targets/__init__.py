"""What a rollout acts on: a model server over HTTP."""
