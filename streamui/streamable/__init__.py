"""Values under construction, their changes and their readers; standard library only."""
