"""Answers training jobs: which configuration to run next, whether more rows pay, how long a run takes."""
