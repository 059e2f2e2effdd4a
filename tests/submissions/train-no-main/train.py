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
