"""What must hold, measured: ``python -m benchmarks.bars``."""
