"""What lies in the folder of an upload beside its numbered files."""

INDEX = "index.jsonl"
"""A line {"n": file name, "name": path as brought} for each file that came whole."""
LOCK = "index.lock"
"""Held by whoever puts a file in its place and writes its line."""
