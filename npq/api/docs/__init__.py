"""The documentation that providers read: a page per version, and its OpenAPI document."""
