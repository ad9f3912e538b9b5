"""How dates are written for people (settings.FORMAT_MODULE_PATH): the UK way, months in full, everywhere alike."""
