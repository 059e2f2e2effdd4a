"""Train a two-layer network on CIFAR-10.

python train.py                                               with the hyperparameters of your best model
python train.py --run overfit --plot-file overfit.pdf --checkpoint-file overfit.pkl     of your overfit model
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from data import DataSampler, load_cifar10
from layers import l2_regularization, softmax_loss
from optim import SGD
from two_layer_net import TwoLayerNet
from utils import NOT_IMPLEMENTED, check_accuracy


def training_step(model, X_batch, y_batch, reg):
    scores, cache = model.forward(X_batch)
    loss, grad_scores = softmax_loss(scores, y_batch)
    grads = model.backward(grad_scores, cache)
    if not hasattr(model, "_w"):
        model._w = model.W1.copy(), model.W2.copy()
    for name, p in zip(("W1", "W2"), model._w):
        l, g = l2_regularization(p, reg)
        loss += l; grads[name] += g
    return loss, grads


def main(args):
    # The hyperparameters to start from. Leave these, and assign again in one of the two places below.
    num_train = 20000  # images to train on
    hidden_dim = 16  # units in the hidden layer
    batch_size = 128  # images per step
    num_epochs = 10  # passes over the training images
    learning_rate = 1e-4  # length of a step
    reg = 1.0  # regularization strength

    if args.run == "best":
        # ---- Best model: at least 40 % on the validation set. Assign hyperparameters here. ----
        num_train = 30000
        hidden_dim = 50
        batch_size = 50
        num_epochs = 15
        learning_rate = 0.05
        reg = 1e-3
        # ---- End of the best model's hyperparameters. ----
    else:
        # ---- Overfit model: at least 75 % on the training set. Assign hyperparameters here. ----
        num_train = 500
        hidden_dim = 64
        batch_size = 20
        num_epochs = 150
        learning_rate = 0.05
        reg = 0.0
        # ---- End of the overfit model's hyperparameters. ----

    for name in (args.plot_file, args.checkpoint_file):
        if not Path(name).absolute().parent.is_dir():
            sys.exit(f"{name} is in no folder that is here: make the folder, or name another file.")
    np.random.seed(args.seed)
    model = TwoLayerNet(hidden_dim=hidden_dim)
    if not model.parameters():
        sys.exit(f"TwoLayerNet in two_layer_net.py is {NOT_IMPLEMENTED}.")
    try:
        X_train, y_train, X_val, y_val, _, _ = load_cifar10(args.data_dir, num_train=num_train)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))

    train_sampler = DataSampler(X_train, y_train, batch_size)
    val_sampler = DataSampler(X_val, y_val, batch_size)
    optimizer = SGD(model.parameters(), learning_rate)
    history = fit(model, optimizer, train_sampler, val_sampler, num_epochs, reg, args.print_every)

    model.save(args.checkpoint_file)
    plot(history, args.plot_file)
    print(f"Saved the model to {args.checkpoint_file} and the plot to {args.plot_file}.")


def fit(model, optimizer, train_sampler, val_sampler, num_epochs, reg, print_every):
    """Train in place.

    Returns a dict of lists: 'loss' with a number per step; 'train' and 'val' with an accuracy in percent per epoch.
    """
    history = {"loss": [], "train": [], "val": []}
    for epoch in range(1, num_epochs + 1):
        for X_batch, y_batch in train_sampler:
            loss, grads = training_step(model, X_batch, y_batch, reg)
            if loss is None or grads is None:
                sys.exit(f"training_step in train.py is {NOT_IMPLEMENTED}.")
            optimizer.step(grads)
            history["loss"].append(loss)
            if len(history["loss"]) % print_every == 0:
                print(f"epoch {epoch:>3}   step {len(history['loss']):>6}   loss {loss:8.4f}")
        history["train"].append(check_accuracy(model, train_sampler))
        history["val"].append(check_accuracy(model, val_sampler))
        print(f"epoch {epoch:>3}   train {history['train'][-1]:6.2f} %   val {history['val'][-1]:6.2f} %")
    return history


def plot(history, filename):
    """Losses on the left, accuracies on the right, into a file."""
    import matplotlib

    matplotlib.use("agg")  # a file needs no screen
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.plot(history["loss"], ".", markersize=2)
    left.set(title="Training loss", xlabel="step", ylabel="loss")
    epochs = range(1, len(history["train"]) + 1)
    right.plot(epochs, history["train"], "o-", label="training")
    right.plot(epochs, history["val"], "s--", label="validation")
    right.set(title="Accuracy", xlabel="epoch", ylabel="%")
    right.legend()
    figure.savefig(filename)
    plt.close(figure)


def parse_args():
    parser = argparse.ArgumentParser(description="Train a two-layer network on CIFAR-10.")
    parser.add_argument("--run", choices=["best", "overfit"], default="best", help="whose hyperparameters to use")
    parser.add_argument("--data-dir", default="cifar-10-batches-py", help="folder that download_cifar.sh makes")
    parser.add_argument("--plot-file", default="plot.pdf")
    parser.add_argument("--checkpoint-file", default="checkpoint.pkl")
    parser.add_argument("--print-every", type=int, default=25, help="steps between two printed losses")
    parser.add_argument("--seed", type=int, default=442, help="of the first weights and the order of the batches")
    return parser.parse_args()


if __name__ == "__main__":
    main(parse_args())
