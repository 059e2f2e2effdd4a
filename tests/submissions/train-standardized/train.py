import argparse
import numpy as np
from layers import softmax_loss, l2_regularization
from two_layer_net import TwoLayerNet
from optim import SGD
from data import DataSampler, load_cifar10
from utils import check_accuracy


def training_step(model, X_batch, y_batch, reg):
    scores, cache = model.forward(X_batch)
    loss, g = softmax_loss(scores, y_batch)
    grads = model.backward(g, cache)
    for k, w in model.parameters().items():
        if w.ndim == 2:
            l, gw = l2_regularization(w, reg)
            loss += l
            grads[k] += gw
    return loss, grads


def main(args):
    num_train, hidden_dim, batch_size, num_epochs, learning_rate, reg = 4000, 50, 50, 10, 0.01, 1e-3
    if args.run == "overfit":
        num_train, hidden_dim, batch_size, num_epochs, learning_rate, reg = 300, 64, 20, 60, 0.02, 0.0
    X, y, Xv, yv, _, _ = load_cifar10(num_train=num_train)
    mean, std = X.mean(axis=0), X.std(axis=0) + 1e-7
    X = (X - mean) / std
    Xv = (Xv - mean) / std
    train, val = DataSampler(X, y, batch_size), DataSampler(Xv, yv, batch_size)
    model = TwoLayerNet(hidden_dim=hidden_dim)
    opt = SGD(model.parameters(), learning_rate)
    for epoch in range(num_epochs):
        for Xb, yb in train:
            loss, grads = training_step(model, Xb, yb, reg)
            opt.step(grads)
        print(epoch, loss, check_accuracy(model, train), check_accuracy(model, val))


def parse_args():
    p = argparse.ArgumentParser()
    p.add_argument("--run", default="best")
    p.add_argument("--plot-file", default="plot.pdf")
    p.add_argument("--checkpoint-file", default="checkpoint.pkl")
    p.add_argument("--print-every", type=int, default=25)
    p.add_argument("--data-dir", default="cifar-10-batches-py")
    p.add_argument("--seed", type=int, default=442)
    return p.parse_args()


if __name__ == "__main__":
    main(parse_args())
