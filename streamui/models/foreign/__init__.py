"""Other libraries' streams as model events; one file each, none of which imports its library."""
