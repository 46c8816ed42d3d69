"""Load series: the bundled year, downloads, readers of published formats; published grids."""
