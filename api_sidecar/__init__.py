"""The HTTP API on port 5002: bottle routes over the hub, served by granian."""
