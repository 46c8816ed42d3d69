"""The system page: the workers and the settings in force."""
