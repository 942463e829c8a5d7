"""Adapters: the only code that talks to the engine, the disk, the network and other programs."""
