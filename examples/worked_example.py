"""Pool a 5x5 array with and without ceil_mode, as floats and as integers."""

import numpy as np

import numbapool

ROWS = [
    [1, 2, 0, 3, 1],
    [0, 1, 2, 3, 1],
    [1, 2, 1, 0, 0],
    [5, 2, 3, 1, 1],
    [2, 1, 0, 1, 1],
]
EXPECTED = {True: [[2, 3], [5, 1]], False: [[2]]}


def main() -> None:
    """Print the input and what each layer makes of it."""
    for dtype in (np.float64, np.int64):
        x = np.array(ROWS, dtype).reshape(1, 1, 5, 5)
        print(f"input, {x.dtype}, shape {x.shape}\n{x[0, 0]}\n")
        for ceil_mode, expected in EXPECTED.items():
            layer = numbapool.MaxPool2d(kernel_size=3, ceil_mode=ceil_mode)
            output = layer(x)
            np.testing.assert_array_equal(output, [[expected]])
            assert output.dtype == x.dtype
            print(f"ceil_mode={ceil_mode}, shape {output.shape}\n{output[0, 0]}\n")


if __name__ == "__main__":
    main()
