"""Operators' tools: doctor, reshard, dead letters."""
