"""Load series: the bundled year, the official download, and readers of published formats."""
