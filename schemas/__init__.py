"""Shapes of everything that moves: raw reports, events, cases, alerts, topics, profiles."""
