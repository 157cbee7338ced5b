"""Parts of the pages about people: of a project, of the server, oneself."""
