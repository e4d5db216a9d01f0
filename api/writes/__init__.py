"""Transactions of a request, written once however often it is sent."""
