"""Starting, stopping and guarding the product: its processes, their connections."""
