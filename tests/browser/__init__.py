"""Tests that drive a real browser: what only a browser can tell of the back office and of the documentation."""
