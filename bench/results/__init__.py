"""What was measured: kept, summed up, held against its targets and shown."""
