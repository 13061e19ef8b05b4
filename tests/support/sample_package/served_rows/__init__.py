"""A fold, a hand and a target that are not Homeostat's own."""
