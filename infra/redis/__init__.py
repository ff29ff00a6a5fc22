"""What Valkey is for: hints that may vanish. Killed, emptied or slow, it makes nothing wrong; see decision 0007."""
