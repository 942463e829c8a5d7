"""Actions: what to do to a stack; the adapters do it."""
