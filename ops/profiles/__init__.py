"""Profiles made and drawn: a generator for a fictional city, and geometry for the wall."""
