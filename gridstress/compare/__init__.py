"""The models compared: with each other over a run, and with DC power flow on a grid."""
