"""The one guarded door to the web, and what must hold before it is opened."""
