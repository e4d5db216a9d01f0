"""Programs that leave with a bundle. They may import nothing but numpy, Pillow and the runtime."""
