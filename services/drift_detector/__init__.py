"""Notices when a model's inputs or errors move, and describes the change for the learner."""
