"""Learning claims on real data, through the services' own folds: events in, decisions out."""
