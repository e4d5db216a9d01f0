"""What Celery runs: a story each."""
