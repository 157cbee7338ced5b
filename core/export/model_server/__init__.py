"""A model as a web server: files that lie beside classify.py wherever it runs.

`graft serve-model`, the export `server` and the app's own address all run these same files, in a
process of their own that never loads torch. They import each other by their plain names.
"""
