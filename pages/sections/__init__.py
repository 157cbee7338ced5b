"""Parts of one place of the guide each."""
