"""What frozen networks say about images: computed once, kept, and what is fitted to it."""
