"""The peer in Pathway, with a virtual environment of its own."""
