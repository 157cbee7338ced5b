"""What comes from outside, made into images and classes: archives, tables, decoding."""
