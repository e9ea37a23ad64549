"""From texts to embeddings: models, backends that run them, and the commands that embed a dataset."""
