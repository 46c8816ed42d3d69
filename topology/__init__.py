"""The ground floor: the grid, the models, and the records that travel between stages; pure."""
