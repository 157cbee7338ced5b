"""Parts of the screen that several pages share, each named for what it shows."""
