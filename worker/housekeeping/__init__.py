"""What one worker at a time does for all: what got lost is found, what nobody needs is removed."""
