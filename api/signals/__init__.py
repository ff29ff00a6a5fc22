"""What happens to the viewer, as it happens."""
