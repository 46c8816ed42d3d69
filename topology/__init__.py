"""The ground floor: the grid, what spreads over it, and the records that travel between stages."""
