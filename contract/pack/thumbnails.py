"""thumbnails.bin, beside samples.arrow in a pack of image files: N + 1 offsets, then N JPEGs one after the other.

Offset n is where thumbnail n begins and, one further, ends; an image whose own file is small has an empty one. Packs of
raw pixels, and those that an earlier release made, have no such file.
"""

OFFSET = "<u8"
OFFSET_BYTES = 8
