"""How a vector is stored: codecs, and the transforms that may come before them."""
