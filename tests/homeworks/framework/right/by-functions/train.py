from course.batches import rows

from tensor import Tensor


def mean_squared_error(out, y):
    difference = out - y
    return (difference * difference).sum() / difference.size, 2.0 * difference / difference.size


def train(model, optimizer, x, y, *, steps, size, seed, on_step=None):
    def one(number, batch):
        out = model(Tensor(x[batch]))
        loss, grad = mean_squared_error(out.data, y[batch])
        out.backward(grad)
        optimizer.step()
        optimizer.zero_grad()
        if on_step is not None:
            on_step(number, loss)
        return loss

    optimizer.zero_grad()
    return [one(number, batch) for number, batch in enumerate(rows(len(x), size=size, steps=steps, seed=seed))]
