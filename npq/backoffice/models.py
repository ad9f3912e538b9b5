"""The back office's own tables."""
