"""One function per command, without a command line: everything below put together."""
