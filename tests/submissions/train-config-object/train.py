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


class Config:
    images, hidden, batch, epochs, rate, decay = 5000, 32, 25, 5, 5e-2, 1e-3


def main(args):
    config = Config()
    X_train, y_train, X_val, y_val, _, _ = load_cifar10(num_train=config.images)
    sampler = DataSampler(X_train, y_train, config.batch)
    val = DataSampler(X_val, y_val, config.batch)
    model = TwoLayerNet(hidden_dim=config.hidden)
    sgd = SGD(model.parameters(), config.rate)
    for epoch in range(config.epochs):
        for step, (X, y) in enumerate(sampler):
            loss, grads = training_step(model, X, y, config.decay)
            sgd.step(grads)
            if step % args.print_every == 0:
                print(epoch, step, loss)
        print('train', check_accuracy(model, sampler), 'val', check_accuracy(model, val))
    model.save(args.checkpoint_file)


if __name__ == '__main__':
    main(parser.parse_args())
