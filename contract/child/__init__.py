"""What stands between a parent process and its child: messages on a pipe, confinement by the kernel."""
