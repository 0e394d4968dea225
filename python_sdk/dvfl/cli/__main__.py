"""``python -m dvfl.cli``."""

from dvfl.cli.app import main

main()
