"""What a study will take: its files, its time, before anything long begins."""
