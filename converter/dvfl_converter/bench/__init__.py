"""Timing on this machine; a phone's figures come from the phone."""
