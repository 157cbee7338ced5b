"""Models in the field: what was asked, whether it is still as promised."""
