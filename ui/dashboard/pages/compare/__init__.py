"""The compare page: two models over the same moments, or two runs."""
