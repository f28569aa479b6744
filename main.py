"""Posthouse's command line: ``python3 main.py [serve|test|check-config|...]``. Sets itself up when it has to."""

import sys

if sys.version_info < (3, 11):
    sys.exit("Posthouse needs Python 3.11 or newer, and this is %d.%d. Try: python3.11 main.py" % sys.version_info[:2])

from app import setup

setup.ensure()

from app.cli.dispatch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
