"""What one's own images say before training: which backbone, how far it is, how many more."""
