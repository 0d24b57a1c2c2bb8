"""The benchmark: what is measured, how, and the results. Run it with `python -m benchmarks`."""
