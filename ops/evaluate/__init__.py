"""How well the deciding core does, on texts and scenarios it had not seen, beside baselines."""
