"""Measurements as they happen: by lines, by HTTP, from the ENTSO-E platform."""
