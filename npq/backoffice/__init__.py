"""The back office: where DfE staff find, read, correct and explain what the service holds.

The apps' `admin` modules say what their pages show; this package holds what those pages share.
"""
