"""Databases as kinds of index: their own quantizers, with parameters in their own words. One database per file."""
