"""Where a program that nobody trusts runs: processes, kernel layers, frames."""
