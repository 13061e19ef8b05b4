"""The services: one folder each, one image each, imported as `homeostat.services.<name>`."""
