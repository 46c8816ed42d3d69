"""What stock Faust 0.15.3 gets wrong, fixed."""
