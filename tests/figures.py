"""What checks draw, by hand: the data of a figure of each kind."""

import base64

CURVES = {
    "steps": [10, 20, 30, 40],
    "losses": [2.3, 2.0, 1.5, 1.2],
    "epochs": [20, 40],
    "training": [0.3, 0.45],
    "validation": [0.28, 0.41],
    "judged": "validation",
    "bar": 0.4,
    "caption": "Stopped <b>early</b> & well.",
}
WEIGHTS = {"side": 32, "images": [base64.b64encode(bytes([at] * 3072)).decode() for at in range(8)], "caption": "Grey."}
TABLE = {"columns": ["", "layer", "parameters"], "rows": [["a", "<b>Conv2d</b>", "160"]], "caption": "c"}
CONFUSION = {"classes": ["Shirt", "<Bag>"], "counts": [[3, 1], [0, 0]], "caption": "c"}
PICTURES = {
    "size": [28, 28],
    "images": [base64.b64encode(bytes(784)).decode(), base64.b64encode(bytes(3 * 784)).decode()],
    "labels": ["Shirt, taken for <Bag> (100%)", "x" * 90],
    "caption": "c",
}
BARS = {
    "classes": ["tabby", "<b>"],
    "probabilities": [0.9, 0.04],
    "size": [4, 2],
    "image": base64.b64encode(bytes(24)).decode(),
    "caption": "c",
}
