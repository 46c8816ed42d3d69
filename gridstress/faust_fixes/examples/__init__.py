"""A small Faust app that counts exactly once with the corrections."""
