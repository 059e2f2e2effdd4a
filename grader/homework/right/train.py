"""Other right ways to write training_step. Blocks are combined: see README.md on selftest."""


# %% step by names
def training_step(model, X_batch, y_batch, reg):
    scores, cache = model.forward(X_batch)
    data_loss, dscores = softmax_loss(scores, y_batch)
    grads = model.backward(dscores, cache)
    reg_loss = 0
    params = model.parameters()
    for key in params:
        if len(params[key].shape) > 1:
            extra, grad = l2_regularization(params[key], reg)
            reg_loss += extra
            grads[key] = grads[key] + grad
    return data_loss + reg_loss, grads


# %% step makes a new dict
def training_step(model, X_batch, y_batch, reg):
    scores, cache = model.forward(X_batch)
    loss, grad_scores = softmax_loss(scores, y_batch)
    plain = model.backward(grad_scores, cache)
    weights = {k: w for k, w in model.parameters().items() if w.ndim == 2}
    added = {k: l2_regularization(w, reg) for k, w in weights.items()}
    loss = loss + sum(value for value, _ in added.values())
    return loss, {k: g + added[k][1] if k in added else g for k, g in plain.items()}


# %% step without l2_regularization
def training_step(model, X_batch, y_batch, reg):
    scores, cache = model.forward(X_batch)
    loss, grad = softmax_loss(scores, y_batch)
    grads = model.backward(grad, cache)
    for k, p in model.parameters().items():
        if p.ndim != 1:
            loss += 0.5 * reg * np.sum(p * p)
            grads[k] += reg * p
    return loss, grads


# %% step returns a list and a float
def training_step(model, X_batch, y_batch, reg):
    out = model.forward(X_batch)
    loss, grad = softmax_loss(out[0], y_batch)
    grads = dict(model.backward(grad, out[1]))
    for name, value in sorted(model.parameters().items(), key=lambda pair: pair[1].size):
        if value.ndim == 1:
            continue
        regularization = l2_regularization(value, reg)
        loss, grads[name] = loss + regularization[0], np.add(grads[name], regularization[1])
    return [float(loss), grads]


# %% step with the regularization first
def training_step(model, X_batch, y_batch, reg):
    total, penalties = 0.0, {}
    for name, array in model.parameters().items():
        is_weight = array.ndim == 2
        part, penalties[name] = l2_regularization(array, reg) if is_weight else (0.0, np.zeros_like(array))
        total += part
    scores, cache = model.forward(X_batch)
    loss, grad_scores = softmax_loss(scores, y_batch)
    grads = model.backward(grad_scores, cache)
    for name in grads:
        grads[name] = grads[name] + penalties[name]
    return np.asarray(total + loss), grads


# %% step with type hints and reg checked
def training_step(model: TwoLayerNet, X_batch: np.ndarray, y_batch: np.ndarray, reg: float) -> tuple[float, dict]:
    """Loss and gradients; without regularization where reg is 0."""
    scores, cache = model.forward(X_batch)
    loss, grad_scores = softmax_loss(scores, y_batch)
    grads = model.backward(grad_scores, cache)
    if reg != 0:
        for key, value in model.parameters().items():
            if value.ndim == 2:
                extra, extra_grad = l2_regularization(value, reg)
                loss = loss + extra
                grads[key] = extra_grad + grads[key]
    return loss, grads


# %% step that copies what it is given
def training_step(model, X_batch, y_batch, reg):
    X, y = np.array(X_batch), np.array(y_batch)
    scores, cache = model.forward(X)
    loss, g = softmax_loss(scores.copy(), y)
    grads = {key: value.copy() for key, value in model.backward(g, cache).items()}
    matrices = [key for key, value in model.parameters().items() if np.ndim(value) == 2]
    for key in matrices:
        l, dw = l2_regularization(model.parameters()[key], reg)
        loss += l
        grads[key] += dw
    return loss, grads


# %% step by a list of weights
def training_step(model, X_batch, y_batch, reg):
    params = model.parameters()
    scores, cache = model.forward(X_batch)
    loss, grads = softmax_loss(scores, y_batch)
    grads = model.backward(grads, cache)
    names = list(filter(lambda n: params[n].ndim > 1, params))
    parts = list(map(lambda n: l2_regularization(params[n], reg), names))
    for n, (_, g) in zip(names, parts):
        grads[n] = np.sum([grads[n], g], axis=0)
    return loss + np.sum([part for part, _ in parts]), grads
