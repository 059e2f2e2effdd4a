"""Training with the mean squared error."""

from course.batches import rows  # the course's own
from tensor import Tensor


def train(model, optimizer, x, y, *, steps, size, seed, on_step=None):
    """One step per batch of rows(len(x), size, steps, seed); the loss of each. on_step(number, loss) is called after it."""
    losses = []
    # BEGIN SOLUTION
    for number, batch in enumerate(rows(len(x), size, steps, seed)):
        out = model(Tensor(x[batch]))
        difference = out.data - y[batch]
        losses.append(float((difference**2).mean()))
        optimizer.zero_grad()
        out.backward(2 * difference / difference.size)
        optimizer.step()
        if on_step is not None:
            on_step(number, losses[-1])
    # END SOLUTION
    return losses
