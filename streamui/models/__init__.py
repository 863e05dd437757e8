"""Provider streams as one small set of typed events, and the clients they come from."""
