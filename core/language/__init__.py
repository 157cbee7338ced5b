"""The words on the screen in other languages; docs/decisions/0022 says how."""
