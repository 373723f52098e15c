"""Looks at a finished video by itself, so that nobody has to."""
