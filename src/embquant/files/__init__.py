"""Files that are written whole or not at all, recorded, and checked when they are read."""
