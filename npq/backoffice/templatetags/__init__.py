"""What the templates of the back office call."""
