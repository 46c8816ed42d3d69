"""DC power flow and outages, for comparison with the models."""
