import runpy

from classifier import Classifier

exec(open("layers.py").read())
relu_backward = runpy.run_path("layers.py")["relu_backward"]


class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.W1, self.b1 = np.random.normal(0, weight_scale, (input_dim, hidden_dim)), np.zeros(hidden_dim)
        self.W2, self.b2 = np.random.normal(0, weight_scale, (hidden_dim, num_classes)), np.zeros(num_classes)

    def parameters(self):
        return {"W1": self.W1, "b1": self.b1, "W2": self.W2, "b2": self.b2}

    def forward(self, X):
        hidden, fc1 = fc_forward(X, self.W1, self.b1)
        active, relu = relu_forward(hidden)
        scores, fc2 = fc_forward(active, self.W2, self.b2)
        return scores, (fc1, relu, fc2)

    def backward(self, grad_scores, cache):
        fc1, relu, fc2 = cache
        grad, grad_W2, grad_b2 = fc_backward(grad_scores, fc2)
        _, grad_W1, grad_b1 = fc_backward(relu_backward(grad, relu), fc1)
        return {"W1": grad_W1, "b1": grad_b1, "W2": grad_W2, "b2": grad_b2}
