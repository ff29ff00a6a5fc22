"""Made-up people, partner merchants and a month of their card events, for a hall started in the sandbox."""
