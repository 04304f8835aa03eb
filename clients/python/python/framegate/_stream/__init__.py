"""A session with a server: what is decided, with the time passed in. Nothing here has a clock or a socket."""
