"""What the dashboard asks the API: the client."""
