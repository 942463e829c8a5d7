"""The real things the tests run against: engine, stack, the dashboard's own processes, and how to wait for them."""
