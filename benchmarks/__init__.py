"""Measurements: `python -m benchmarks`. Two ways are compared in one run, so that the ratio means something."""
