"""What is measured of a method: quality, speed, memory, and what chance does to them."""
