"""A folder with which anyone with a phone runs a bundle's parity test."""
