"""The console in Debian's Chromium against the real api."""
