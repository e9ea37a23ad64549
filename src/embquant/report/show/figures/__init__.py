"""The figures of a study, for its page, for ``present`` and for papers."""
