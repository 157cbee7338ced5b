"""What a finished model goes by: explanations, robustness, maps and label suggestions."""
