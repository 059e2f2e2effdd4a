"""Which rows each step trains on: alike for everyone with one seed."""

import random


def rows(total, size, steps, seed):
    """For each step, `size` row numbers below `total`."""
    draw = random.Random(seed)
    return [draw.sample(range(total), size) for _ in range(steps)]
