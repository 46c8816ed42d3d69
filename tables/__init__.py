"""Windows over event time and the state that keeps them."""
