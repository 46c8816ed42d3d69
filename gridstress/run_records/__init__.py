"""Sending runs: sinks for frames, and what senders say of their runs, the records of `runs`."""
