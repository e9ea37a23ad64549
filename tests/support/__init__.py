"""What tests share: collections, models, codecs and studies to start from, and how they are run."""
