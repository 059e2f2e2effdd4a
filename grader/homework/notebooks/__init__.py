"""What is read off notebooks, and how they are run."""

PART1 = "part1.ipynb"
IMAGES = "fashion-mnist"  # the data set's name in rubric.yaml
