"""Spreading rules: how much of a source's stress each node takes on."""
