"""Shapes of everything that moves: raw events, normalised events, cases, alerts, topics, profiles."""
