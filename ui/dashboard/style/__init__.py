"""Colours, sizes, and numbers and times as text."""
