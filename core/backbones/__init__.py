"""The pretrained networks: which there are, their weights, and their features."""
