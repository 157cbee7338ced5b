"""The images: bringing them, their classes, problems, versions."""
