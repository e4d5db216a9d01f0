"""What `POST /v1/models/{id}/predict` needs beside the route: the image out of the body, the opened model files."""
