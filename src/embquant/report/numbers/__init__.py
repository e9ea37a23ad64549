"""The numbers of the reports: significance, losses, cost, recommendation."""
