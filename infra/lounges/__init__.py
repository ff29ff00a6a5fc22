"""The directory of lounges: its data file, its rows, and what keeps them fresh."""
