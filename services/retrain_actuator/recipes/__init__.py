"""Training recipes: programs that read a job file and print a line per arm."""
