"""The worker's web views: the server of the API."""
