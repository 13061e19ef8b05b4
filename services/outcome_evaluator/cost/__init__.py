"""What actions cost: seconds times prices until the bill comes, and then the bill."""
