"""Benchmarks: for asv pooling, startup and memory; and the table of real models' layers."""
