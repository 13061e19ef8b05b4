"""Serves predictions of many models over HTTP and swaps their versions while it does."""
