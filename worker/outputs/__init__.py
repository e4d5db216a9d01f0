"""What a child leaves: verified, stored, published."""
