"""What surrounds every page: header, status line, clock, run, model and time bar."""
