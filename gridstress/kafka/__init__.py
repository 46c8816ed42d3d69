"""Our topics, and reading, writing and probing a Kafka cluster."""
