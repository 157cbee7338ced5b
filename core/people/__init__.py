"""People: who has an account, who is signed in, and who is behind a request."""
