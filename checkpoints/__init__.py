"""Checkpoints: folders on disk that are repositories on the Hub."""
