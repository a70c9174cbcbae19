"""People, with everything the engine keeps of them."""
