"""A broker and workers as real processes, and what they use while they are measured."""
