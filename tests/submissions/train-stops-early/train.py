import argparse
from dataclasses import dataclass

import numpy as np
from data import DataSampler, load_cifar10
from layers import l2_regularization, softmax_loss
from optim import SGD
from two_layer_net import TwoLayerNet
from utils import check_accuracy


@dataclass
class Config:
    images: int = 4000
    hidden: int = 32
    batch: int = 25
    rate: float = 0.02
    decay: float = 1e-3
    epochs: int = 30
    patience: int = 3


def training_step(model, X_batch, y_batch, reg):
    scores, cache = model.forward(X_batch)
    loss, grad_scores = softmax_loss(scores, y_batch)
    grads = model.backward(grad_scores, cache)
    for name, value in model.parameters().items():
        if value.ndim == 2:
            reg_loss, reg_grad = l2_regularization(value, reg)
            loss += reg_loss
            grads[name] += reg_grad
    return loss, grads


def main(args):
    config = Config()
    X_train, y_train, X_val, y_val, _, _ = load_cifar10(num_train=config.images)
    sampler, val = DataSampler(X_train, y_train, config.batch), DataSampler(X_val, y_val, config.batch)
    model = TwoLayerNet(hidden_dim=config.hidden)
    sgd = SGD(model.parameters(), config.rate)
    best, since = 0.0, 0
    for epoch in range(config.epochs):
        for X, y in sampler:
            loss, grads = training_step(model, X, y, config.decay)
            sgd.step(grads)
        accuracy = check_accuracy(model, val)
        print(f"epoch {epoch}: loss {loss:.3f}, validation accuracy {accuracy:.1f} %")
        since = 0 if accuracy > best else since + 1
        best = max(best, accuracy)
        if since == config.patience:
            print("early stopping")
            break
    model.save(args.checkpoint_file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint-file", default="checkpoint.pkl")
    main(parser.parse_args())
