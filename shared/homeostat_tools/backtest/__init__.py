"""The recorded history folded anew under other rules or settings, side effects off: which decisions change."""
