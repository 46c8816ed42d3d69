"""Every run kept in Parquet files beside Kafka, and how they are read."""
