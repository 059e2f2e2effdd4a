"""A class of made-up students, each of whom writes the homework in a way of their own, and copies of some of them.

Each function is drawn from a grammar: «one¦other» is a choice, the first ways being the most frequent, as in a class.
Some write a function in one of the ways of grader/homework/right, each of which one student in a class has. So two
innocent students share what is common, and now and then something rare by chance; no rare text of two comes from one
source. Names, comments and layout are each student's. They are not independent as people are: there are fewer ways here than people find. That makes innocent
pairs more alike, and the measured rate of innocent pairs an upper one.
"""

# ruff: noqa: E501 - a way to write a function stands on one line
from __future__ import annotations

import ast
import base64
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).parents[1]
STUDENT = ROOT / "student"
RIGHT = ROOT / "grader" / "homework" / "right"
CHOICE = re.compile(r"«([^«»]*)»")  # the innermost first

FUNCTIONS = {
    "f1": """
«    y_hat = x1 * w1 + x2 * w2 + b
    d = y_hat - y¦    @p = x1 * w1
    @q = x2 * w2
    @s = @p + @q + b
    d = @s - y¦    a1 = «x1 * w1¦w1 * x1»
    a2 = «x2 * w2¦w2 * x2»
    a3 = a1 + a2
    y_hat = a3 + b
    d = y_hat - y¦    d = «x1 * w1 + x2 * w2 + b - y¦(x1 * w1) + (x2 * w2) + b - y»»
    L = «d ** 2¦d * d¦math.pow(d, 2)»
«    grad_d = 2 * d
    grad_x1 = grad_d * w1
    grad_w1 = grad_d * x1
    grad_x2 = grad_d * w2
    grad_w2 = grad_d * x2
    grad_b = grad_d
    grad_y = -grad_d¦    @g = 2 * d
    grad_x1, grad_w1 = @g * w1, @g * x1
    grad_x2, grad_w2 = @g * w2, @g * x2
    grad_b, grad_y = @g, -@g¦    grad_x1 = 2 * d * w1
    grad_w1 = 2 * d * x1
    grad_x2 = 2 * d * w2
    grad_w2 = 2 * d * x2
    grad_b = 2 * d
    grad_y = -2 * d¦    dL_dd = 2 * d
    dd_dy_hat = 1
    dd_dy = -1
    dL_dy_hat = dL_dd * dd_dy_hat
    grad_y = dL_dd * dd_dy
    grad_b = dL_dy_hat
    grad_x1 = dL_dy_hat * w1
    grad_w1 = dL_dy_hat * x1
    grad_x2 = dL_dy_hat * w2
    grad_w2 = dL_dy_hat * x2»
    return L, (grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y)
""",
    "f2": """
«    d = 2 * x
    e = math.exp(d)
    t = e - 1
    b = e + 1
    y = t / b¦    e = math.exp(2 * x)
    y = (e - 1) / (e + 1)¦    d = «2 * x¦x + x»
    e = «math.exp(d)¦math.e ** d»
    t, b = e - 1, e + 1
    y = t / b»
«    grad_t = 1 / b
    grad_b = -t / b ** 2
    grad_e = grad_t + grad_b
    grad_d = grad_e * e
    grad_x = grad_d * 2¦    dy_dt = 1 / (e + 1)
    dy_db = -(e - 1) / ((e + 1) ** 2)
    dy_de = dy_dt + dy_db
    grad_x = dy_de * e * 2¦    grad_x = 1 - y ** 2¦    grad_x = 4 * e / (e + 1) ** 2¦    grad_e = (1 / (e + 1)) - (e - 1) / «(e + 1) ** 2¦((e + 1) * (e + 1))»
    grad_x = 2 * e * grad_e»
    return y, (grad_x,)
""",
    "f3": """
«    e1 = math.exp(s1)
    e2 = math.exp(s2)
    d = e1 + e2
    p1 = e1 / d
    p2 = e2 / d¦    e1, e2 = math.exp(s1), math.exp(s2)
    d = e1 + e2
    p1, p2 = e1 / d, e2 / d¦    @t = math.exp(s1) + math.exp(s2)
    p1 = math.exp(s1) / @t
    p2 = math.exp(s2) / @t»
«    if y == 1:
        p = p1
    else:
        p = p2
    L = -math.log(p)¦    p = p1 if y == 1 else p2
    L = -math.log(p)¦    if y == 1:
        L = -math.log(p1)
    elif y == 2:
        L = -math.log(p2)¦    p = [p1, p2][y - 1]
    L = -math.log(p)»
«    if y == 1:
        grad_s1 = p1 - 1
        grad_s2 = p2
    else:
        grad_s1 = p1
        grad_s2 = p2 - 1¦    grad_s1 = p1 - (y == 1)
    grad_s2 = p2 - (y == 2)¦    grad_s1, grad_s2 = p1, p2
    if y == 1:
        grad_s1 -= 1
    else:
        grad_s2 -= 1¦    @y1 = 1 if y == 1 else 0
    @y2 = 1 if y == 2 else 0
    grad_s1 = p1 - @y1
    grad_s2 = p2 - @y2»
    return L, (grad_s1, grad_s2)
""",
    "f4": """
«    d = a * b
    e = d + c
    L = e ** 2
    grad_e = 2 * e
    gradients = (grad_e * b, grad_e * a, grad_e)¦    t = math.exp(a) + b * c
    L = t ** 2
    gradients = (2 * t * math.exp(a), 2 * t * c, 2 * t * b)¦    u = a + b
    v = u * c
    L = math.sin(v)
    @g = math.cos(v)
    gradients = (@g * c, @g * c, @g * u)¦    L = math.log(a ** 2 + b ** 2 + 1) * c
    @n = a ** 2 + b ** 2 + 1
    gradients = (2 * a * c / @n, 2 * b * c / @n, math.log(@n))¦    L, gradients = None, None¦    s = 1 / (1 + math.exp(-(a * b + c)))
    L = s
    @d = s * (1 - s)
    gradients = (@d * b, @d * a, @d)»
    return L, gradients
""",
}
LAYERS = {
    "fc_forward": """
    out = «x @ w + b¦np.dot(x, w) + b¦x.dot(w) + b¦np.matmul(x, w) + b¦np.add(x @ w, b)¦x @ w + b.reshape(1, -1)»
    cache = «(x, w, b)¦(x, w)¦x, w, b¦[x, w, b]¦{"x": x, "w": w}»
    return out, cache
""",
    "fc_backward": """
«    x, w, b = cache
    grad_x = «grad_out @ w.T¦np.dot(grad_out, w.T)¦grad_out.dot(w.T)¦np.matmul(grad_out, w.T)»
    grad_w = «x.T @ grad_out¦np.dot(x.T, grad_out)¦x.T.dot(grad_out)¦np.matmul(x.T, grad_out)»
    grad_b = «np.sum(grad_out, axis=0)¦grad_out.sum(axis=0)¦grad_out.sum(0)¦np.sum(grad_out, 0)»¦    x = cache[0]
    w = cache[1]
    grad_x = «grad_out @ w.T¦np.dot(grad_out, np.transpose(w))»
    grad_w = «x.T @ grad_out¦np.dot(np.transpose(x), grad_out)»
    grad_b = «np.sum(grad_out, axis=0)¦np.ones(grad_out.shape[0]) @ grad_out»»
    return grad_x, grad_w, grad_b
""",
    "relu_forward": """
    out = «np.maximum(0, x)¦np.maximum(x, 0)¦np.where(x > 0, x, 0)¦x * (x > 0)¦np.clip(x, 0, None)¦(np.abs(x) + x) / 2»
    cache = «x¦x.copy()¦(x > 0)¦x, out»
    return out, cache
""",
    "relu_backward": """
«    grad_x = grad_out * (cache > 0)¦    x = cache
    grad_x = grad_out.copy()
    grad_x[x <= 0] = 0¦    grad_x = np.where(cache > 0, grad_out, 0)¦    mask = (cache > 0).astype(float)
    grad_x = mask * grad_out¦    grad_x = np.zeros_like(grad_out)
    grad_x[cache > 0] = grad_out[cache > 0]»
    return grad_x
""",
    "softmax_loss": """
«    N = x.shape[0]¦    N, C = x.shape¦    N = len(x)»
«    shifted = x - np.max(x, axis=1, keepdims=True)
    e = np.exp(shifted)
    p = e / «np.sum(e, axis=1, keepdims=True)¦e.sum(axis=1, keepdims=True)»
    loss = «-np.sum(np.log(p[np.arange(N), y])) / N¦-np.mean(np.log(p[np.arange(N), y]))¦-np.log(p[range(N), y]).mean()»
    grad_x = p.copy()
    grad_x[np.arange(N), y] -= 1
    grad_x «/= N¦= grad_x / N»¦    @z = x - x.max(axis=1, keepdims=True)
    @logs = @z - np.log(np.exp(@z).sum(axis=1, keepdims=True))
    loss = «-@logs[np.arange(N), y].mean()¦-np.sum(@logs[np.arange(N), y]) / N»
    grad_x = np.exp(@logs)
    grad_x[np.arange(N), y] -= 1
    grad_x /= N¦    x = x - np.max(x, axis=1).reshape(-1, 1)
    exps = np.exp(x)
    sums = np.sum(exps, axis=1)
    loss = np.mean(np.log(sums) - x[np.arange(N), y])
    one_hot = np.zeros_like(x)
    one_hot[np.arange(N), y] = 1
    grad_x = (exps / sums[:, None] - one_hot) / N¦    @m = np.max(x, axis=1)[:, np.newaxis]
    probs = np.exp(x - @m)
    probs = probs / np.sum(probs, axis=1)[:, np.newaxis]
    onehot = np.eye(x.shape[1])[y]
    loss = -np.sum(onehot * np.log(probs + 1e-300)) / N
    grad_x = (probs - onehot) / N¦    loss = 0.0
    grad_x = np.zeros_like(x)
    for i in range(N):
        row = x[i] - np.max(x[i])
        @e = np.exp(row)
        @p = @e / np.sum(@e)
        loss -= row[y[i]] - np.log(np.sum(@e))
        @p[y[i]] -= 1
        grad_x[i] = @p / N
    loss /= N»
    return loss, grad_x
""",
    "l2_regularization": """
    loss = «reg / 2 * np.sum(w ** 2)¦0.5 * reg * np.sum(w ** 2)¦0.5 * reg * np.sum(w * w)¦reg * np.sum(np.square(w)) / 2¦(reg / 2) * (w ** 2).sum()¦reg / 2 * np.linalg.norm(w) ** 2»
    grad_w = «reg * w¦w * reg¦np.multiply(reg, w)»
    return loss, grad_w
""",
}
NET = {
    "__init__": """
«        self.W1 = np.random.normal(scale=weight_scale, size=(input_dim, hidden_dim))
        self.b1 = np.zeros(hidden_dim)
        self.W2 = np.random.normal(scale=weight_scale, size=(hidden_dim, num_classes))
        self.b2 = np.zeros(num_classes)¦        self.w1 = weight_scale * np.random.randn(input_dim, hidden_dim)
        self.w2 = weight_scale * np.random.randn(hidden_dim, num_classes)
        self.b1 = np.zeros(hidden_dim)
        self.b2 = np.zeros(num_classes)¦        self.@n = {}
        self.@n["W1"] = np.random.normal(0, weight_scale, (input_dim, hidden_dim))
        self.@n["b1"] = np.zeros(hidden_dim)
        self.@n["W2"] = np.random.normal(0, weight_scale, (hidden_dim, num_classes))
        self.@n["b2"] = np.zeros(num_classes)¦        @r = np.random.default_rng()
        self.W1 = @r.normal(0.0, weight_scale, size=(input_dim, hidden_dim))
        self.b1 = np.zeros((hidden_dim,))
        self.W2 = @r.normal(0.0, weight_scale, size=(hidden_dim, num_classes))
        self.b2 = np.zeros((num_classes,))»
""",
    "forward": """
«        hidden, cache1 = fc_forward(X, self.W1, self.b1)
        active, cache2 = relu_forward(hidden)
        scores, cache3 = fc_forward(active, self.W2, self.b2)
        cache = (cache1, cache2, cache3)¦        h1, fc1 = fc_forward(X, self.W1, self.b1)
        h2, relu = relu_forward(h1)
        scores, fc2 = fc_forward(h2, self.W2, self.b2)
        cache = {"fc1": fc1, "relu": relu, "fc2": fc2}¦        caches = []
        out, c = fc_forward(X, self.W1, self.b1)
        caches.append(c)
        out, c = relu_forward(out)
        caches.append(c)
        scores, c = fc_forward(out, self.W2, self.b2)
        caches.append(c)
        cache = caches¦        @a = fc_forward(X, self.W1, self.b1)
        @b = relu_forward(@a[0])
        @c = fc_forward(@b[0], self.W2, self.b2)
        scores = @c[0]
        cache = @a[1], @b[1], @c[1]»
        return scores, cache
""",
    "backward": """
«        cache1, cache2, cache3 = cache
        grad_a, grad_W2, grad_b2 = fc_backward(grad_scores, cache3)
        grad_h = relu_backward(grad_a, cache2)
        grad_x, grad_W1, grad_b1 = fc_backward(grad_h, cache1)
        grads = {"W1": grad_W1, "b1": grad_b1, "W2": grad_W2, "b2": grad_b2}¦        grads = {}
        @d, grads["W2"], grads["b2"] = fc_backward(grad_scores, cache[2])
        @d = relu_backward(@d, cache[1])
        _, grads["W1"], grads["b1"] = fc_backward(@d, cache[0])¦        fc1, relu, fc2 = cache
        dh, dW2, db2 = fc_backward(grad_scores, fc2)
        dz = relu_backward(dh, relu)
        dX, dW1, db1 = fc_backward(dz, fc1)
        grads = dict(W1=dW1, b1=db1, W2=dW2, b2=db2)¦        grad_out = grad_scores
        grad_out, @w2, @b2 = fc_backward(grad_out, cache[-1])
        grad_out = relu_backward(grad_out, cache[1])
        grad_out, @w1, @b1 = fc_backward(grad_out, cache[0])
        grads = {}
        for name, value in zip(("W1", "b1", "W2", "b2"), (@w1, @b1, @w2, @b2)):
            grads[name] = value»
        return grads
""",
}
STEP = """
«    scores, cache = model.forward(X_batch)
    loss, grad_scores = softmax_loss(scores, y_batch)
    grads = model.backward(grad_scores, cache)
«    for name, param in model.parameters().items():
        if param.ndim == 2:
            reg_loss, reg_grad = l2_regularization(param, reg)
            loss += reg_loss
            grads[name] += reg_grad¦    for k, v in model.parameters().items():
        if «"W" in k¦k.startswith("W")¦v.ndim > 1¦len(v.shape) == 2»:
            l, g = l2_regularization(v, reg)
            loss = loss + l
            grads[k] = grads[k] + g¦    params = model.parameters()
    for key in «["W1", "W2"]¦("W1", "W2")»:
        reg_loss, reg_grad = l2_regularization(params[key], reg)
        loss += reg_loss
        grads[key] += reg_grad»¦    out, cache = model.forward(X_batch)
    loss, dout = softmax_loss(out, y_batch)
    grads = model.backward(dout, cache)
    l1, dw1 = l2_regularization(model.W1, reg)
    l2, dw2 = l2_regularization(model.W2, reg)
    loss += l1 + l2
    grads["W1"] += dw1
    grads["W2"] += dw2¦    params = model.parameters()
    scores, cache = model.forward(X_batch)
    data_loss, grad_scores = softmax_loss(scores, y_batch)
    grads = model.backward(grad_scores, cache)
    @reg = 0.0
    for @k in params:
        if params[@k].ndim == 2:
            @l, @g = l2_regularization(params[@k], reg)
            @reg += @l
            grads[@k] = grads[@k] + @g
    loss = data_loss + @reg»
    return loss, grads
"""
NETWORKS = """
«        self.conv1 = nn.Conv2d(1, «32¦16¦64¦8¦24», «3¦5»«, padding=1¦¦, padding=2»)
        self.conv2 = nn.Conv2d(«32¦16¦64¦8¦24», «64¦32¦128¦16¦48», «3¦5»«, padding=1¦¦, padding=2»)
        self.pool = nn.MaxPool2d(«2, 2¦2»)
«        self.dropout = nn.Dropout(«0.25¦0.5¦0.3¦0.2»)
¦¦        self.bn1 = nn.BatchNorm2d(32)
        self.bn2 = nn.BatchNorm2d(64)
»        self.fc1 = nn.Linear(«64 * 7 * 7¦3136¦1600¦32 * 7 * 7¦64 * 5 * 5», «128¦256¦100¦64¦512»)
        self.fc2 = nn.Linear(«128¦256¦100¦64¦512», 10)

    def forward(self, x):
«        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))¦        x = F.relu(self.conv1(x))
        x = self.pool(x)
        x = F.relu(self.conv2(x))
        x = self.pool(x)¦        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)»
        x = «x.view(-1, 64 * 7 * 7)¦x.view(x.size(0), -1)¦torch.flatten(x, 1)¦x.flatten(1)¦x.reshape(x.shape[0], -1)»
«        x = F.relu(self.fc1(x))
        return self.fc2(x)¦        x = self.dropout(F.relu(self.fc1(x)))
        x = self.fc2(x)
        return x¦        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return x»¦        self.features = nn.Sequential(
            nn.Conv2d(1, «32¦16¦64¦20», kernel_size=3, padding=1),
«            nn.BatchNorm2d(«32¦16¦64¦20»),
¦»            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(«32¦16¦64¦20», «64¦32¦128¦40», kernel_size=3, padding=1),
«            nn.BatchNorm2d(«64¦32¦128»),
¦»            nn.ReLU(),
            nn.MaxPool2d(2),
«¦            nn.Conv2d(«64¦32¦128», «128¦64», kernel_size=3, padding=1),
            nn.ReLU(),
»        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(«64 * 7 * 7¦32 * 7 * 7¦128 * 7 * 7», «128¦256¦64¦100»),
            nn.ReLU(),
«            nn.Dropout(«0.5¦0.25¦0.3»),
¦»            nn.Linear(«128¦256¦64¦100», 10),
        )

    def forward(self, x):
«        return self.classifier(self.features(x))¦        x = self.features(x)
        x = self.classifier(x)
        return x»¦        self.layer1 = nn.Sequential(nn.Conv2d(1, «32¦16», «3¦5», padding=«1¦2»), nn.BatchNorm2d(«32¦16»), nn.ReLU(), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(«32¦16», «64¦32», «3¦5»), nn.BatchNorm2d(«64¦32»), nn.ReLU(), nn.MaxPool2d(2))
        self.fc1 = nn.Linear(«64 * 6 * 6¦2304¦32 * 5 * 5», «600¦128¦120»)
        self.drop = nn.Dropout(«0.25¦0.5»)
        self.fc2 = nn.Linear(«600¦128¦120», «120¦84¦64»)
        self.fc3 = nn.Linear(«120¦84¦64», 10)

    def forward(self, x):
        out = self.layer1(x)
        out = self.layer2(out)
        out = out.view(out.size(0), -1)
        out = self.fc1(out)
«        out = self.drop(out)
        out = self.fc2(out)
        out = self.fc3(out)
        return out¦        out = self.fc3(F.relu(self.fc2(F.relu(out))))
        return out»»
"""
CRITERION = """
criterion = nn.CrossEntropyLoss()
learning_rate = «1e-3¦0.001¦0.01¦0.002¦3e-4¦5e-4¦0.05¦0.1»
weight_decay = «1e-4¦0¦1e-5¦5e-4¦0.0001¦1e-3»
num_epoch = «10¦5¦8¦15¦20¦12¦6»
optimizer = optim.«Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)¦SGD(model.parameters(), lr=learning_rate, momentum=«0.9¦0.95», weight_decay=weight_decay)¦AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)¦RMSprop(model.parameters(), lr=learning_rate)»
"""
COMMENTS = ("forward", "backward pass", "chain rule", "see lecture 3", "TODO check", "numerically stable", "gradient",
            "as in the slides", "upstream gradient", "bias", "shape (N, D)", "works", "sum over the batch")  # fmt: skip
LOCALS = ("tmp", "t", "val", "res", "grad", "dx", "out1", "inter", "h", "acc", "part", "total", "piece", "node", "u", "v",
          "k2", "mid", "aux", "store", "prev", "step", "d1", "d2", "z1", "up", "local", "chain")  # fmt: skip


@dataclass
class Submission:
    """A student's files by name; the code cells of the notebooks, with the outputs of the first; photographs."""

    files: dict[str, str] = field(default_factory=dict)
    cells: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[int, list[dict]] = field(default_factory=dict)
    photographs: dict[str, Image.Image] = field(default_factory=dict)


def drawn(template: str, draw: Random) -> str:
    """One way out of a grammar. `@name` becomes a local name of the student's own."""
    while found := CHOICE.search(template):
        ways = found[1].split("¦")
        way = draw.choices(ways, [1 / (at + 1) for at in range(len(ways))])[0]
        template = template[: found.start()] + way + template[found.end() :]
    names: dict[str, str] = {}
    free = draw.sample(LOCALS, len(LOCALS))
    return re.sub(r"@(\w+)", lambda one: names.setdefault(one[1], free[len(names)]), template).strip("\n") + "\n"


# A student's files


def write_script(name: str, bodies: Mapping[str, str], draw: Random, unusual: Sequence[str]) -> str:
    """The handout's script with each function's body written, some in an unusual way."""
    path = next(STUDENT.rglob(name))
    text = path.read_text(encoding="utf-8")
    for function, template in bodies.items():
        text = with_body(text, function, drawn(template, draw))
    for block in unusual:
        text = with_functions(text, block)
    return commented(text, draw)


def with_body(text: str, function: str, body: str) -> str:
    """The text with another body of a function, which keeps its docstring."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            lines = text.split("\n")
            first = node.body[0]
            kept = first.end_lineno if ast.get_docstring(node) else first.lineno - 1
            above = next((at for at in range(node.lineno, kept) if "# Your code" in lines[at]), kept)
            lines[min(kept, above) : node.end_lineno] = body.rstrip("\n").split("\n")
            return "\n".join(lines)
    raise KeyError(function)


def with_functions(text: str, block: str) -> str:
    """The text with the functions of a block of right/ in place of its own."""
    names = {node.name for node in ast.parse(block).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    lines = text.split("\n")
    spans = [(node.lineno - 1, node.end_lineno) for node in ast.parse(text).body if getattr(node, "name", "") in names]
    for number, (start, end) in reversed([*enumerate(spans)]):
        lines[start:end] = block.split("\n") if number == 0 else []
    return "\n".join(lines)


def right_blocks() -> list[tuple[str, str]]:
    """Each way of right/ to write some functions: the file's name, and the text."""
    found = []
    for path in sorted(RIGHT.glob("*.py")):
        parts = re.split(r"^# %% .+$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found += [(path.name, text.strip("\n")) for text in parts[1:]]
    return found


BLOCKS = right_blocks()


def unusual(name: str, seed: int) -> list[str]:
    """The ways of right/ that this student alone has in a class: what is that rare, no two write alike by chance."""
    return [text for at, (file, text) in enumerate(BLOCKS) if file == name and seed % 1000 == 1 + 3 * at]


def commented(text: str, draw: Random) -> str:
    """The text with comments of the student's own, and without the handout's."""
    lines = []
    for line in text.split("\n"):
        if "# Your code here." in line and draw.random() < 0.7:
            continue
        if line.startswith("    ") and draw.random() < 0.06 and not line.strip().startswith(('"', "-", "}", ")", "(")):
            line = f"{line}  # {draw.choice(COMMENTS)}"
        lines.append(line)
    return "\n".join(lines)


def write_training(draw: Random) -> str:
    text = with_body(
        (STUDENT / "neuralnet" / "train.py").read_text(encoding="utf-8"), "training_step", drawn(STEP, draw)
    )
    for best in (True, False):
        chosen = {
            "num_train": draw.choice(
                (30000, 40000, 45000, 20000, 25000, 35000) if best else (500, 1000, 200, 2000, 100)
            ),
            "hidden_dim": draw.choice((50, 64, 100, 128, 200, 256, 512, 80)),
            "batch_size": draw.choice((50, 64, 100, 128, 32, 200, 256)),
            "num_epochs": draw.choice((10, 15, 20, 30, 40, 25) if best else (50, 100, 150, 200, 300)),
            "learning_rate": draw.choice(("0.05", "1e-2", "0.1", "1e-1", "5e-2", "0.03", "0.02", "5e-3")),
            "reg": draw.choice(("1e-3", "0.001", "1e-4", "0.01", "5e-4", "0.0", "0")),
        }
        lines = "\n".join(f"        {name} = {value}" for name, value in chosen.items())
        text = text.replace("        # Your code here.\n        pass", lines, 1)
    return text


def write_notebook(name: str) -> list[str]:
    document = json.loads((STUDENT / name).read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]


def student(seed: int) -> Submission:
    """A student who worked alone."""
    draw = Random(seed)
    made = Submission()
    made.files["functions.py"] = write_script("functions.py", FUNCTIONS, draw, unusual("functions.py", seed))
    made.files["layers.py"] = write_script("layers.py", LAYERS, draw, unusual("layers.py", seed))
    net = {**NET, "parameters": '\n        params = {"W1": self.W1, "b1": self.b1, "W2": self.W2, "b2": self.b2}\n'
           "        return params\n"}  # fmt: skip
    made.files["two_layer_net.py"] = write_script("two_layer_net.py", net, draw, unusual("two_layer_net.py", seed))
    made.files["train.py"] = write_training(draw)
    made.cells["part1.ipynb"] = first_notebook(draw)
    made.cells["part2.ipynb"] = second_notebook(draw)
    made.photographs = {f"{draw.choice(('img', 'photo', 'IMG_', 'pic'))}{draw.randrange(9999)}.jpg": photograph(draw)
                        for _ in range(2)}  # fmt: skip
    made.outputs = trained(draw)
    return made


def first_notebook(draw: Random) -> list[str]:
    cells = write_notebook("part1.ipynb")
    for at, cell in enumerate(cells):
        if "choose the batch size" in cell:
            cells[at] = cell.replace(
                "# Your code here.\nbatch_size = 1", drawn("batch_size = «64¦128¦32¦100¦256»", draw)
            )
        elif "write the network" in cell:
            head = cell[: cell.index("super().__init__()") + len("super().__init__()\n")]
            after = cell[cell.index("\n\nmodel = ") :]
            cells[at] = head + drawn(NETWORKS, draw) + after
        elif "choose a loss" in cell:
            cells[at] = "# STUDENT: choose a loss, an optimizer, and their numbers.\n" + drawn(CRITERION, draw)
    return cells


def second_notebook(draw: Random) -> list[str]:
    cells = write_notebook("part2.ipynb")
    words = draw.sample(("espresso", "tabby", "beagle", "banana", "laptop", "violin", "volcano", "teapot", "goose",
                         "daisy", "castle", "bagel", "pizza", "zebra", "lion", "canoe"), 2)  # fmt: skip
    told = (
        f'img1 = photograph("{draw.randrange(99)}.jpg")\nimg2 = photograph("{draw.randrange(99)}.jpg")\nnames = {words}'
    )
    return [cell.replace('# Your code here.\nimg1, img2, names = None, None, ["", ""]', told) for cell in cells]


def trained(draw: Random) -> dict[int, list[dict]]:
    """Outputs as a training run prints and draws them: place among the code cells of the first notebook -> outputs."""
    cells = write_notebook("part1.ipynb")
    train = next(at for at, cell in enumerate(cells) if cell.startswith("# Train."))
    epochs, loss, accuracy, lines, curve = draw.choice((4, 5, 6, 8, 10)), 0.7, 0.7, [], []
    for epoch in range(1, epochs + 1):
        loss *= draw.uniform(0.7, 0.9)
        accuracy += (0.93 - accuracy) * draw.uniform(0.2, 0.6)
        curve.append(accuracy)
        lines.append(f"Epoch {epoch} of {epochs}: loss {loss:.4f}, training accuracy {accuracy:.4f}\n"
                     f"Evaluation accuracy: {accuracy - draw.uniform(-0.01, 0.03):.4f}\n")  # fmt: skip
    final = f"On the test set:\nEvaluation accuracy: {accuracy - draw.uniform(0, 0.03):.4f}\n"
    return {
        0: [stream("cpu\n")],
        train: [stream("".join(lines))],
        train + 1: [shown(plotted(curve, draw))],
        train + 2: [stream(final)],
    }


def stream(text: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def shown(image: Image.Image) -> dict:
    file = io.BytesIO()
    image.save(file, "PNG")
    data = {"image/png": base64.b64encode(file.getvalue()).decode("ascii"), "text/plain": ["<Figure>"]}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def plotted(curve: list[float], draw: Random) -> Image.Image:
    image = Image.new("RGB", (320, 200), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((30, 10, 310, 180), outline="black")
    for offset, colour in ((0.0, "blue"), (draw.uniform(0, 0.03), "orange")):
        pen.line([(30 + 280 * at / len(curve), 180 - 600 * (value - offset - 0.68)) for at, value in enumerate(curve)],
                 colour, 2)  # fmt: skip
    return image


def photograph(draw: Random) -> Image.Image:
    """A picture of coloured shapes before a coloured background, a little blurred."""
    noise = np.random.default_rng(draw.randrange(1 << 32))
    image = Image.fromarray(noise.integers(0, 256, (5, 6, 3), np.uint8)).resize((240, 180), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    for _ in range(draw.randrange(3, 9)):
        x, y = draw.randrange(220), draw.randrange(160)
        box = (x, y, x + draw.randrange(15, 100), y + draw.randrange(15, 100))
        shape: Callable[..., None] = draw.choice((pen.ellipse, pen.rectangle))
        shape(box, fill=tuple(draw.randrange(256) for _ in range(3)))
    return image.filter(ImageFilter.BoxBlur(1))


# Copies


def copied(source: Submission, seed: int, *, outputs: bool, photographs: bool) -> Submission:
    """A copy that its author tried to hide: all names are others, statements and functions have another order, the
    layout is another, comments are gone or new, and the notebook's cells were moved."""
    draw = Random(seed)
    other = student(seed)
    made = Submission()
    for name, text in source.files.items():
        made.files[name] = disguised(text, draw)
    for name, cells in source.cells.items():
        changed = [disguised(cell, draw) if parses(cell) else cell for cell in cells]
        if name == "part1.ipynb":
            order = [*range(len(changed))]
            at = draw.randrange(1, len(order) - 1)
            order.insert(draw.randrange(1, len(order)), order.pop(at))
            made.outputs = {new: source.outputs[old] for new, old in enumerate(order) if old in source.outputs}
            changed = [changed[old] for old in order]
        made.cells[name] = changed
    if not outputs:
        made.outputs = other.outputs
    made.photographs = other.photographs
    if photographs:
        made.photographs = {f"my{at}.jpg": processed(one, draw) for at, one in enumerate(source.photographs.values())}
    return made


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def processed(image: Image.Image, draw: Random) -> Image.Image:
    """A photograph as another program saves it: smaller, a little brighter."""
    factor = draw.uniform(0.4, 0.9)
    small = image.resize((int(image.width * factor), int(image.height * factor)))
    return small.point(lambda value: min(255, int(value * 1.08 + 3)))


def disguised(text: str, draw: Random) -> str:
    tree = ast.parse(text)
    reorder(tree, draw)
    return renamed(reformatted(ast.unparse(tree), draw), draw)


def reorder(tree: ast.Module, draw: Random) -> None:
    """Swap functions, and statements beside each other that do not depend on each other."""
    at = [place for place, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef)]
    nodes = [tree.body[place] for place in at]
    draw.shuffle(nodes)
    for place, node in zip(at, nodes, strict=True):
        tree.body[place] = node
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or node is tree:
            continue
        for place in range(len(body) - 1):
            one, two = body[place], body[place + 1]
            simple = isinstance(one, ast.Assign) and isinstance(two, ast.Assign)
            if simple and not uses(one, two) and not uses(two, one) and draw.random() < 0.6:
                body[place], body[place + 1] = two, one


def uses(one: ast.stmt, two: ast.stmt) -> bool:
    """Whether `two` reads or writes what `one` writes."""
    written = {node.id for node in ast.walk(one) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return any(isinstance(node, ast.Name) and node.id in written for node in ast.walk(two))


def reformatted(text: str, draw: Random) -> str:
    lines = []
    for line in text.split("\n"):
        if draw.random() < 0.1 and line.strip() and not line.strip().startswith(("'", '"')):
            lines.append(f"{line[: len(line) - len(line.lstrip())]}# {draw.choice(COMMENTS)}, {draw.randrange(99)}")
        if draw.random() < 0.15 and ", " in line and "(" in line and "'" not in line and '"' not in line:
            at = line.index(", ", line.index("(")) if ", " in line[line.index("(") :] else -1
            depth = line[:at].count("(") - line[:at].count(")")
            line = f"{line[: at + 1]}\n{' ' * 12}{line[at + 2 :]}" if at > 0 and depth > 0 else line
        lines.append(line)
    return "\n".join(lines)


def renamed(text: str, draw: Random) -> str:
    """Every name that the text binds inside a function, and every attribute that it sets, under another name."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    names -= {"num_train", "hidden_dim", "batch_size", "num_epochs", "learning_rate", "reg", "model", "criterion",
              "optimizer", "trainloader", "valloader", "testloader", "num_epoch", "weight_decay", "args"}  # fmt: skip
    fresh = iter(draw.sample([f"{one}{two}" for one in LOCALS for two in ("", "_", "0", "x", "_new")], 130))
    for name in sorted(names)[:120]:
        text = re.sub(rf"(?<![\w.'\"]){re.escape(name)}(?![\w'\"])(?!\s*=[^=][^=]*[,)])", next(fresh), text)
    for name in sorted(own):
        text = re.sub(rf"(?<=self\.){re.escape(name)}\b", f"{name}_{draw.choice(LOCALS)}", text)
    return text


# One trick at a time

Change = Callable[[str, Random], str]


def each_text(made: Submission, change: Callable[[str], str]) -> Submission:
    """The submission with a change made to every script and cell, and without outputs and photographs."""
    files = {name: change(text) for name, text in made.files.items()}
    cells = {name: [change(cell) if parses(cell) else cell for cell in own] for name, own in made.cells.items()}
    return Submission(files, cells)


def reordered(text: str, draw: Random) -> str:
    tree = ast.parse(text)
    reorder(tree, draw)
    return ast.unparse(tree)


def with_dead_code(text: str, draw: Random) -> str:
    """A statement that does nothing behind every fourth."""
    return with_more(text, lambda: ast.parse(draw.choice(("debug = 0", "print('here')", "_ = None", "assert True"))).body,
                     lambda: draw.random() < 0.25)  # fmt: skip


def with_more(text: str, more: Callable[[], list[ast.stmt]], wanted: Callable[[], bool]) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and node is not tree:
            node.body = [part for one in body for part in ((*more(), one) if wanted() else (one,))]  # type: ignore
    return ast.unparse(tree)


def with_steps(text: str, draw: Random) -> str:
    """Half of all sums and products in two statements instead of one."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or node is tree:
            continue
        made: list[ast.stmt] = []
        for one in body:
            value = getattr(one, "value", None)
            if isinstance(one, ast.Assign) and isinstance(value, ast.BinOp) and draw.random() < 0.5:
                name = f"{draw.choice(LOCALS)}{len(made)}"
                made.append(ast.Assign([ast.Name(name, ast.Store())], value.left, lineno=0))
                value.left = ast.Name(name, ast.Load())
            made.append(one)
        node.body = made  # type: ignore[attr-defined]
    return ast.unparse(tree)


def with_annotations(text: str, draw: Random) -> str:
    """Type hints on all arguments, and on half of all that is set."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for one in node.args.args:
                one.annotation = ast.parse(draw.choice(("float", "np.ndarray", "int | None"))).body[0].value
            node.returns = ast.parse("tuple[float, ...]").body[0].value
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for at, one in enumerate(body):
                plain = isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name)
                if plain and draw.random() < 0.5:
                    body[at] = ast.AnnAssign(one.targets[0], ast.Name("float", ast.Load()), one.value, 1)
    return ast.unparse(tree)


def without_short_forms(text: str, draw: Random) -> str:
    """`a = a + b` for `a += b`."""

    class Long(ast.NodeTransformer):
        def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
            target = ast.parse(ast.unparse(node.target)).body[0].value
            return ast.Assign([node.target], ast.BinOp(target, node.op, node.value), lineno=0)

    return ast.unparse(Long().visit(ast.parse(text)))


def with_other_numbers(text: str, draw: Random) -> str:
    return re.sub(r"(?<==\s)\d[\d.e-]*$", lambda one: str(draw.randrange(1, 99)), text, flags=re.MULTILINE)


def with_other_calls(text: str, draw: Random) -> str:
    """Each product and sum asked for in another way: the copyist knows the library."""
    for old, new in ((r"np\.dot\((\w+), (\w+(?:\.T)?)\)", r"\1 @ \2"), (r"np\.sum\((\w+), axis=", r"\1.sum("),
                     (r"np\.max\((\w+), axis=", r"\1.max("), (r"(\w+) \*\* 2", r"np.square(\1)"),
                     (r"np\.maximum\(0, (\w+)\)", r"np.clip(\1, 0, None)")):  # fmt: skip
        text = re.sub(old, new, text)
    return text


def moved(made: Submission, draw: Random) -> Submission:
    """The functions of a file and the cells of a notebook in another order, and all scripts in one."""
    cells = {name: draw.sample(own, len(own)) for name, own in made.cells.items()}
    return Submission({name: reordered(text, draw) for name, text in made.files.items()}, cells)


CHANGES: dict[str, Change] = {
    "all names are others": renamed,
    "statements and functions reordered": reordered,
    "formatted anew": lambda text, draw: reformatted(ast.unparse(ast.parse(text)), draw),
    "dead code": with_dead_code,
    "one statement in two": with_steps,
    "type hints": with_annotations,
    "a = a + b": without_short_forms,
    "other numbers": with_other_numbers,
    "other calls for the same": with_other_calls,
    "all of these": lambda text, draw: with_dead_code(
        with_steps(with_other_calls(with_annotations(disguised(text, draw), draw), draw), draw), draw
    ),
}
Trick = Callable[[Submission, Submission, Random], Submission]
TRICKS: dict[str, Trick] = {
    name: lambda source, other, draw, change=change: each_text(source, lambda text: change(text, draw))  # type: ignore
    for name, change in CHANGES.items()
} | {
    "cells and functions moved": lambda source, other, draw: moved(source, draw),
    "the scripts alone": lambda source, other, draw: Submission(source.files, other.cells),
    "one script alone": lambda source, other, draw: Submission(
        {**other.files, "layers.py": source.files["layers.py"]}, other.cells
    ),
}


# On disk


def contents(made: Submission) -> dict[str, bytes]:
    """A student's files as bytes."""
    found = {name: text.encode() for name, text in made.files.items()}
    for name, cells in made.cells.items():
        document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
            {"cell_type": "code", "id": f"c{at}", "metadata": {}, "execution_count": at + 1, "source": source,
             "outputs": made.outputs.get(at, []) if name == "part1.ipynb" else []}
            for at, source in enumerate(cells)
        ]}  # fmt: skip
        found[name] = json.dumps(document).encode()
    for name, image in made.photographs.items():
        file = io.BytesIO()
        image.save(file, "JPEG", quality=85)
        found[name] = file.getvalue()
    return found


def save(made: Submission, folder: Path) -> None:
    """A student's submission as a folder."""
    folder.mkdir(parents=True)
    for name, content in contents(made).items():
        (folder / name).write_bytes(content)


def save_class(folder: Path, count: int, copies: int, seed: int = 0) -> dict[tuple[str, str], str]:
    """A class of `count` submissions, `copies` of which are copies. The pairs, and what each kept besides the code."""
    draw = Random(seed)
    alone = [student(1000 * seed + at) for at in range(count - copies)]
    ids = [f"s{number:04}" for number in draw.sample(range(10_000), count)]
    planted: dict[tuple[str, str], str] = {}
    for at, made in enumerate(alone):
        save(made, folder / ids[at])
    for at, source in enumerate(draw.sample(range(len(alone)), copies)):
        kept = at % 4
        made = copied(alone[source], 10**6 * (seed + 1) + at, outputs=kept in (1, 3), photographs=kept in (2, 3))
        own = ids[len(alone) + at]
        save(made, folder / own)
        words = ("code alone", "code and outputs", "code and photographs", "code, outputs and photographs")
        planted[min(own, ids[source]), max(own, ids[source])] = words[kept]
    return planted
