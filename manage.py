#!/usr/bin/env python
"""Run Django's commands: `manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError, connection

from pixian_site import data_folder


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pixian_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError:
        reason = data_folder.why_missing(str(connection.settings_dict["NAME"]))
        if not reason:
            raise
        sys.exit(f"CommandError: {reason}")


if __name__ == "__main__":
    main()
