"""What segmentation and detection share: images of several classes, which are scaled, cropped and paired as wholes."""
