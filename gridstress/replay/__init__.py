"""A load file as a stream."""
