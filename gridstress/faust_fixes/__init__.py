"""What stock Faust 0.15.3 gets wrong, fixed."""

FAUST_VERSION = "0.15.3"
"""The one Faust that is corrected here."""
