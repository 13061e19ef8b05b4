"""Topics, keys and settings as files in a folder, with digests, and back again."""
