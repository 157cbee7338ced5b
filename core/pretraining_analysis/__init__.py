"""What one's own pictures say before training: which backbone, how far it is, how many more."""
