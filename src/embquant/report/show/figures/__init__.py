"""The figures of a study: drawn here and nowhere else, whoever shows them."""
