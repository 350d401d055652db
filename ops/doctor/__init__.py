"""Checks of a running or stopped system; every failed one says what to do about it."""
