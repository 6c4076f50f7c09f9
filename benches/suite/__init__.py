"""The Python benchmark suite: contenders side by side, in one process, in turns."""
