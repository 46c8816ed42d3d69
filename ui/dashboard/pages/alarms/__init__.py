"""The alarms page: every episode of the run, to filter, sort, open and export."""
