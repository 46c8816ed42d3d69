"""The measurements themselves: rate, latency, start-up."""
