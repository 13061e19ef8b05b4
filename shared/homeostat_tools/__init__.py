"""What people work with: the command line and the local stack. Not in service images."""
