"""Taking a model away: each way to do so is one file in `core.export.formats`."""
