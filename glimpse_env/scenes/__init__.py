"""How each task lays out its sprites and its target, inside the kernel."""
