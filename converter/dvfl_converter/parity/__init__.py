"""Parity: does an artifact say what PyTorch says?"""
