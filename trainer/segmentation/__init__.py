"""What segmentation is made of besides its networks and methods: masked images, what is found of them, its figures."""
