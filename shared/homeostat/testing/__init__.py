"""What people who write their own folds, hands and targets test them with."""
