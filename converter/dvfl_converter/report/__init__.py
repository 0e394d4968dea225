"""The bundle's ``report.html``: one self-contained page."""
