"""Programs that runs start from, and the methods of the literature: data, imported by nobody."""
