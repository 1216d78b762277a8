"""The law to the cent: published figures by their numbers, identities, what is shipped, and what is refused."""
