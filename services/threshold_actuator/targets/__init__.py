"""What a threshold acts on: a Prometheus series that alert rules compare with."""
