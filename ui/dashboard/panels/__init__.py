"""Pure functions from the API's answers to page components."""
