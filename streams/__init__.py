"""Faust agents and the pure core they call."""
