"""What a process says about itself: metrics, logs, traces. Nothing is started or registered at import."""
