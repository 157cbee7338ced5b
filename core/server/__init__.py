"""What makes a sturdy server out of the app: its processes, their logs, their connections."""
