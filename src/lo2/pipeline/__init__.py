"""The phases as functions over folders: read, call the core, write, record. One module per phase."""
