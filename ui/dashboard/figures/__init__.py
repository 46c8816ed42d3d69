"""Figures that several pages show: pure functions from the API's answers to plotly."""
