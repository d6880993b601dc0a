"""Whether a program was tried before, by its text, its syntax tree, its neighbours or what it did: pure."""
