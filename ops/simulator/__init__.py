"""A city's day made from a profile: rhythms, bursts, device noise, ground truth. Always flagged."""
