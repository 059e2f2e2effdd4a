import math


class Value:
    """A node that stores for each input the local derivative."""

    def __init__(self, data, inputs=[]):
        self.data = float(data)
        self.grad = 0
        self._inputs = list(inputs)

    def _lift(x):
        return x if type(x) is Value else Value(x)

    def __add__(self, o):
        o = Value._lift(o)
        return Value(self.data + o.data, [(self, 1.0), (o, 1.0)])

    def __mul__(self, o):
        o = Value._lift(o)
        return Value(self.data * o.data, [(self, o.data), (o, self.data)])

    def __pow__(self, k):
        return Value(math.pow(self.data, k), [(self, k * math.pow(self.data, k - 1))])

    def relu(self):
        return Value(self.data if self.data > 0 else 0.0, [(self, 1.0 if self.data > 0 else 0.0)])

    def __radd__(self, o):
        return self + o

    def __rmul__(self, o):
        return self * o

    def __neg__(self):
        return Value(-self.data, [(self, -1.0)])

    def __sub__(self, o):
        return self + (-Value._lift(o))

    def __rsub__(self, o):
        return (-self) + o

    def __truediv__(self, o):
        return self * Value._lift(o) ** -1

    def __rtruediv__(self, o):
        return Value._lift(o) / self

    def backward(self):
        topo = []
        stack = [(self, False)]
        done = set()
        while stack:
            node, finished = stack.pop()
            if finished:
                topo.append(node)
            elif node not in done:
                done.add(node)
                stack.append((node, True))
                stack.extend((i, False) for i, _ in node._inputs)
        flow = dict.fromkeys(topo, 0.0)
        flow[self] = 1.0
        for node in reversed(topo):
            node.grad = node.grad + flow[node]
            for i, d in node._inputs:
                flow[i] += d * flow[node]
