"""Images as they come in, and the immutable sets they make: decode, import, store, split."""
