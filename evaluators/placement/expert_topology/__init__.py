"""Where the experts of all layers sit, given which experts the tokens visit one layer after another."""
