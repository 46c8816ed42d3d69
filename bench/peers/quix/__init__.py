"""The peer in Quix Streams, with a virtual environment of its own."""
