"""A trial: a copy of a model in a whole system in memory, with a drift put in, watched to the end."""
