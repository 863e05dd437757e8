"""Streams over HTTP: read from any server, and served to any client."""
