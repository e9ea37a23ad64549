"""Reports of a study: tables as CSV, and the summary for reading."""
