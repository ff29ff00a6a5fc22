"""The lounges' provider."""
