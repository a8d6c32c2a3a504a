"""The CUDA target: the same scalars and the same geometry as on the CPU, one thread an output."""
