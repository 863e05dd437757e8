"""The engine for several processes: streams as Redis Streams, on one server or a cluster."""
