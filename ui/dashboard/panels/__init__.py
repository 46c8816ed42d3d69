"""Components that several pages are made of, and pure functions from the API's answers to them."""
