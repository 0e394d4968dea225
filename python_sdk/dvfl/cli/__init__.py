"""The ``dvfl`` command line. Importing it imports neither a runtime nor the video library."""

from dvfl.cli.app import main

__all__ = ["main"]
