#!/usr/bin/env python
"""Django's command line. A development environment by default; a sandbox for the command `sandbox`."""

import os
import sys


def main(arguments: list[str]) -> None:
    """Runs one command. Wrong settings end in one line instead of a traceback; so does Ctrl-C."""
    command = arguments[1] if len(arguments) > 1 else ""
    os.environ.setdefault("NPQ_ENVIRONMENT", "sandbox" if command == "sandbox" else "development")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "npq.settings")

    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        settings.INSTALLED_APPS  # noqa: B018  reading any setting loads them all
    except ImproperlyConfigured as problem:
        sys.exit(f"{arguments[0]}: {problem}")
    try:
        execute_from_command_line(arguments)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv)
