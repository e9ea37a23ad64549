"""The engine of exact scans: blocked products, the k best, arrays mapped from disk."""
