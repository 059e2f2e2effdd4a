"""Numbers that remember how they were made."""


class Value:
    def __init__(self, data, children=()):
        self.data, self.grad = data, 0.0
        self.children, self.push = children, lambda: None

    @staticmethod
    def of(other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        # Your code here.
        return None

    def __mul__(self, other):
        # Your code here.
        return None

    def __pow__(self, number):
        # Your code here.
        return None

    def relu(self):
        # Your code here.
        return None

    def backward(self):
        """Leave the derivative of this Value with respect to each that it was made of in its grad."""
        # Your code here.
        return None

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -Value.of(other)

    def __rsub__(self, other):
        return Value.of(other) + -self

    def __truediv__(self, other):
        return self * Value.of(other) ** -1

    def __rtruediv__(self, other):
        return Value.of(other) * self**-1

    __radd__, __rmul__ = __add__, __mul__
