"""What a rollout acts on: the embedded model server, over HTTP or in process."""
