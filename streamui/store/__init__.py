"""Where streams are found by their id."""
