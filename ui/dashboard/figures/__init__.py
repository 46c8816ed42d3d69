"""Pure functions from the API's answers to plotly figures."""
