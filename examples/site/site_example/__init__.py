"""A small Django site that does a little of everything a server has to cope with."""
