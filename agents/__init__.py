"""The stages: pure step functions and the agents that call them."""
