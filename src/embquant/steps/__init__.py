"""The commands, one a module, each named as its command."""
