"""The settings that all workers of a consumer group share, kept on a topic."""
