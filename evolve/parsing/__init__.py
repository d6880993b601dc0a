"""What a program's text says, found out in a sandboxed process of its own: the controller never parses model text."""
