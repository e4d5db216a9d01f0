"""Detection beyond its network and its methods: images with boxes, what is predicted of them, and its figures."""
