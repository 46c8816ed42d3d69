"""Kafka brokers: the question which one answers, and starting one on this machine."""

from gridstress.brokers.apache import apache_broker
from gridstress.brokers.base import RunningBroker
from gridstress.brokers.embedded import embedded_broker
from gridstress.brokers.probe import cluster_id, is_embedded, wait_until_ready

__all__ = [
    "RunningBroker",
    "apache_broker",
    "cluster_id",
    "embedded_broker",
    "is_embedded",
    "wait_until_ready",
]
