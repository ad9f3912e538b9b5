"""The NPQ service: wiring on top (settings, URLs, commands), plumbing below (api, core, embedded)."""
