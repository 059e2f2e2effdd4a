"""Training with the mean squared error."""

from course.batches import rows  # the course's own
from tensor import Tensor


def train(model, optimizer, x, y, *, steps, size, seed, on_step=None):
    """One step per batch of rows(len(x), size, steps, seed); the loss of each. on_step(number, loss) is called after it."""
    losses = []
    # Your code here.
    return losses
