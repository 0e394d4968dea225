"""``training.html``: one page that shows how a run went and what its network gets wrong."""
