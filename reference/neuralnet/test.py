"""Accuracy of a trained network on the test set. Run it once, when you have chosen your best model.

python test.py --checkpoint-file checkpoint.pkl
"""

import argparse
import pickle
import sys
from pathlib import Path

from data import DataSampler, load_cifar10
from two_layer_net import TwoLayerNet
from utils import NOT_IMPLEMENTED, check_accuracy


def main(args):
    if TwoLayerNet().parameters() is None:
        sys.exit(f"TwoLayerNet in two_layer_net.py is {NOT_IMPLEMENTED}.")
    if not Path(args.checkpoint_file).is_file():
        sys.exit(f"{args.checkpoint_file} is not here: run train.py first, or name its --checkpoint-file.")
    try:
        model = TwoLayerNet.load(args.checkpoint_file)
        _, _, _, _, X_test, y_test = load_cifar10(args.data_dir, num_train=0, num_val=0)
    except (pickle.UnpicklingError, EOFError):
        sys.exit(f"{args.checkpoint_file} is not a model that train.py saved: train again.")
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    accuracy = check_accuracy(model, DataSampler(X_test, y_test, args.batch_size))
    print(f"Test accuracy: {accuracy:.2f} %")


def parse_args():
    parser = argparse.ArgumentParser(description="Accuracy of a trained network on CIFAR-10's test set.")
    parser.add_argument("--checkpoint-file", default="checkpoint.pkl")
    parser.add_argument("--data-dir", default="cifar-10-batches-py", help="folder that download_cifar.sh makes")
    parser.add_argument("--batch-size", type=int, default=128)
    return parser.parse_args()


if __name__ == "__main__":
    main(parse_args())
