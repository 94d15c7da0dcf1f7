"""A mailbox as its admin knows it: presets, settings, ways to log in, a test of it, and a look at what connecting it would do."""
