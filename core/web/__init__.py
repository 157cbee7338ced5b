"""Graft's own HTTP routes and the middleware around everything the server answers."""
