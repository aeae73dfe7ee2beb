"""The estimator and its parts: encoders, temporal models, heads."""
