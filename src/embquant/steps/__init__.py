"""The commands: one module per command, named as the command."""
