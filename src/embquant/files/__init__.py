"""Files: written whole or not at all, recorded, checked when they are read."""
