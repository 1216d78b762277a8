"""What the engine decides: hand-written examples, laws, and random books against a plain-Python oracle of the rules."""
