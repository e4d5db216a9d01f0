"""Bytes and answers: what every request and every answer has in common."""
