"""Measurements: `python -m benchmarks` prints them, `python -m benchmarks NAME…` some of them."""
