"""Files of items read and refused, without a database."""
