"""The process and what it runs on: signals, stdout, processes in a team, devices, durable files."""
