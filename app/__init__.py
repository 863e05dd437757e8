"""The demo app: an assistant whose status and answers stream in."""
