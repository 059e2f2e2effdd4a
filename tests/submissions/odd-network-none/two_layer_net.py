def TwoLayerNet(input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
    """A function that builds nothing."""
