"""Reads of declarations, outcomes and delivery partners, and the locks a write on them takes."""
