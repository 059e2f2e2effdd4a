import course.batches
import numpy as np
from tensor import Tensor


def train(model, optimizer, x, y, steps, size, seed, on_step=None):
    history = []
    for i, idx in enumerate(course.batches.rows(x.shape[0], size, steps, seed)):
        optimizer.zero_grad()
        pred = model(Tensor(x[idx, :]))
        diff = pred.data - y[idx, :]
        history += [np.mean(np.square(diff))]
        pred.backward(diff * (2.0 / diff.size))
        optimizer.step()
        if on_step:
            on_step(i, history[-1])
    return history
