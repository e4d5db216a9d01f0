"""How training images are changed, and how all images become the network's input."""
