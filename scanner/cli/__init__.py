"""The command line: arguments in, exit code out. One file a verb, imported when it is used."""
