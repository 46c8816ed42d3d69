"""What a measurement is made on: grids, stretches of load, prepared frames."""
