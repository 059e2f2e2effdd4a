import numpy as np


def TwoLayerNet(input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
    """A function that gives the parameters instead of an object."""
    return {
        'w1': weight_scale * np.random.randn(input_dim, hidden_dim),
        'b1': np.zeros(hidden_dim),
        'w2': weight_scale * np.random.randn(hidden_dim, num_classes),
        'b2': np.zeros(num_classes),
    }
