"""Pooling timed against other libraries: `numbapool bench`, and what `benchmarks/` stands on."""
