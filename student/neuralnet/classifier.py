"""What every image classifier can do."""

import pickle

import numpy as np


class Classifier:
    """Base class of models that give each input a score per class.

    A model implements parameters, forward and backward; the rest follows from them.
    """

    def parameters(self):
        """A dict from names to arrays: the model's own arrays, so that writing into one changes the model."""
        raise NotImplementedError

    def forward(self, X):
        """Scores for a batch.

        Inputs:
        - X: (N, D)

        Returns:
        - scores: (N, C)
        - cache: what backward needs
        """
        raise NotImplementedError

    def backward(self, grad_scores, cache):
        """Gradients with respect to the parameters.

        Inputs:
        - grad_scores: (N, C) upstream gradient
        - cache: from forward

        Returns:
        - grads: a dict with the keys of parameters(), each array of that parameter's shape
        """
        raise NotImplementedError

    def predict(self, X):
        """The class (N,) with the highest score for each row of X."""
        scores, _ = self.forward(X)
        return np.argmax(scores, axis=1)

    def save(self, filename):
        """Write the parameters to a file."""
        with open(filename, "wb") as file:  # noqa: PTH123 - any path-like or string
            pickle.dump(self.parameters(), file)

    @classmethod
    def load(cls, filename):
        """A model with the parameters of a file that save() wrote."""
        with open(filename, "rb") as file:  # noqa: PTH123
            saved = pickle.load(file)
        model = cls()
        params = model.parameters()
        if params.keys() != saved.keys():
            raise ValueError(f"{filename} holds {sorted(saved)}, but {cls.__name__} has {sorted(params)}")
        for name, array in params.items():
            array.resize(saved[name].shape, refcheck=False)  # in place: the model's own array takes the saved size
            array[...] = saved[name]
        return model
