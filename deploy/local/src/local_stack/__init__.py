"""The local stack: real servers, peers and the demo, from one command."""
