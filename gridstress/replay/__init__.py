"""A load file as a stream, and the commands that it follows."""
