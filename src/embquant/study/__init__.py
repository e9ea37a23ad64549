"""What a study is: its configuration, what follows from it, and where its files lie."""
