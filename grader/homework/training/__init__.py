"""How a student's network is trained, and what is said of it."""

BEST, OVERFIT = "best", "overfit"  # the values of train.py's --run
VALIDATION, TRAIN = "validation", "training"  # what accuracies are measured on
