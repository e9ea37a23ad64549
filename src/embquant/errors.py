"""The one error that is meant for the reader of a terminal."""


class InputError(Exception):
    """Something the user gave can't be used.

    The message is a single line that says what was wrong, where, what was expected and what to do;
    the command line prints it without a traceback.
    """
