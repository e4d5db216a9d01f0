"""What is worth a look before training: twins, classes alike, sizes, what was left out."""
