"""What a worker tells Prometheus, read as Prometheus reads it."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Samples = Mapping[tuple[str, frozenset[str]], float]
"""Values by name and the values of the labels."""


def asked(url: str) -> Samples:
    answer = httpx.get(f"{url}/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, *labels: str) -> float:
    return samples[f"gridstress_{name}", frozenset(labels)]
