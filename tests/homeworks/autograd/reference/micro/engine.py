"""Numbers that remember how they were made."""


class Value:
    def __init__(self, data, children=()):
        self.data, self.grad = data, 0.0
        self.children, self.push = children, lambda: None

    @staticmethod
    def of(other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        # BEGIN SOLUTION stub: return None
        other = Value.of(other)
        out = Value(self.data + other.data, (self, other))

        def push():
            self.grad += out.grad
            other.grad += out.grad

        out.push = push
        return out
        # END SOLUTION

    def __mul__(self, other):
        # BEGIN SOLUTION stub: return None
        other = Value.of(other)
        out = Value(self.data * other.data, (self, other))

        def push():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.push = push
        return out
        # END SOLUTION

    def __pow__(self, number):
        # BEGIN SOLUTION stub: return None
        out = Value(self.data**number, (self,))

        def push():
            self.grad += number * self.data ** (number - 1) * out.grad

        out.push = push
        return out
        # END SOLUTION

    def relu(self):
        # BEGIN SOLUTION stub: return None
        out = Value(max(0.0, self.data), (self,))

        def push():
            self.grad += (out.data > 0) * out.grad

        out.push = push
        return out
        # END SOLUTION

    def backward(self):
        """Leave the derivative of this Value with respect to each that it was made of in its grad."""
        # BEGIN SOLUTION stub: return None
        order, seen = [], set()

        def visit(value):
            if id(value) not in seen:
                seen.add(id(value))
                for child in value.children:
                    visit(child)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            value.push()
        # END SOLUTION

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
