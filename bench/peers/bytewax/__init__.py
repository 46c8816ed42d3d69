"""The peer in Bytewax, with a virtual environment of its own."""
