"""Parts of the page In the field."""
