"""Numbers for people and dashboards."""
